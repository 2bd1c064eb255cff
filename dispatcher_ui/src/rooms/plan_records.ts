/** Plans, pools and runs as the server tells them. */

import type { LonLat } from "../frames";

export interface Depot {
  id: string;
  name: string;
  position: LonLat;
  timezone: string;
  opens_local: string;
  closes_local: string;
  place_id: string;
}

export interface Driver {
  id: string;
  name: string;
  depot_id: string;
  skills: string[];
  active: boolean;
}

export interface PoolItem {
  task_id: string;
  consignment_id: string;
  waybill: string;
  kind: string;
  attempt: number;
  address: string;
  position: LonLat | null;
  window_start_at: string | null;
  window_end_at: string | null;
  parcels: number;
  weight_g: number;
  obstacle: string | null;
  sentence: string | null;
}

export interface DraftStop {
  id: string;
  address: string;
  position: LonLat;
  leg_m: number;
  arrival_at: string;
  start_at: string;
  departure_at: string;
  locked: boolean;
  visits: { waybill: string; consignment_id: string; leg: string }[];
}

export interface DraftRun {
  run_id: string;
  shift_id: string;
  driver_id: string;
  vehicle_label: string;
  starts_at: string;
  ends_at: string;
  distance_m: number;
  duration_s: number;
  cost_minor: number;
  stops: DraftStop[];
}

export interface Plan {
  id: string;
  depot_id: string;
  day: string;
  state: "queued" | "solving" | "draft" | "published" | "discarded" | "failed";
  budget_s: number;
  requested_by: string;
  requested_at: string;
  progress: { elapsed_s: number; unassigned: number; cost_minor: number } | null;
  runs: DraftRun[];
  unassigned: { task_id: string; waybill: string; code: string; sentence: string }[];
  changes: { version: number; what: string; changed_at: string }[];
  failure: string | null;
}

/** A late promise, as the server tells it. */
export interface LateVisit {
  waybill: string;
  promised_until: string;
  planned_start_at: string;
}

/** What moving a stop of a draft before stop `to_index` would do; refusal: why it cannot be. */
export interface MoveEffect {
  to_index: number;
  added_cost_minor: number;
  added_distance_m: number;
  later: { address: string; waybill: string; arrival_at: string; later_s: number }[];
  refusal: string | null;
}

/** What a change of runs in force does, or would do. */
export interface RunChange {
  runs: {
    run_id: string; shift_id: string; driver_id: string; vehicle_label: string; stops: number;
    added_cost_minor: number; added_distance_m: number; stop_ids: string[];
  }[];
  late: LateVisit[];
  is_done: boolean;
}

export interface Shift {
  id: string;
  driver_id: string;
  vehicle_id: string;
  starts_at: string;
  ends_at: string;
  ended_at: string | null;
  broken_down_at: string | null;
}

export interface Vehicle {
  id: string;
  label: string;
}

export interface RunStop {
  id: string;
  sequence: number;
  state: "waiting" | "under_way" | "done";
  address: string;
  position: LonLat | null;
  planned_arrival_at: string;
  locked: boolean;
  tasks: { id: string; consignment_id: string; kind: string; state: string; window_end_at: string | null }[];
}

export interface Run {
  id: string;
  depot_id: string;
  day: string;
  shift_id: string;
  driver_id: string;
  driver_name: string;
  state: "draft" | "published" | "started" | "closed";
  starts_at: string;
  ends_at: string;
  distance_m: number;
  cost_minor: number;
  delay_s: number;
  stops: RunStop[];
}
