/** What the server sends over /ws/dispatch. Positions are longitude, latitude; times ISO 8601. */

export type LonLat = [lon: number, lat: number];

export interface DriverRecord {
  driver_id: string;
  name: string;
  position: LonLat;
  taken_at: string;
  speed_mps: number | null;
  heading_deg: number | null;
  battery_percent: number | null;
}

export interface TaskRecord {
  id: string;
  kind: "delivery" | "pickup" | "return_pickup";
  state: string;
  outcome_code: string | null;
  window_end_at: string | null;
}

export interface StopRecord {
  id: string;
  sequence: number;
  state: "waiting" | "under_way" | "done";
  address: string;
  position: LonLat | null;
  planned_arrival_at: string;
  tasks: TaskRecord[];
}

export interface RunRecord {
  id: string;
  driver_id: string;
  driver_name: string;
  state: "draft" | "published" | "started" | "closed";
  starts_at: string;
  delay_s: number;
  stops: StopRecord[];
}

export interface ExceptionRecord {
  id: string;
  sentence: string;
  driver_id: string | null;
  raised_at: string;
}

/** Records by id; null says that one is gone. `now` and `speed`: the clock of the times in it. */
export interface Frame {
  type: "snapshot" | "changes";
  cursor: number;
  now: string;
  speed: number;
  is_current: boolean;
  drivers: Record<string, DriverRecord | null>;
  runs: Record<string, RunRecord | null>;
  exceptions: Record<string, ExceptionRecord | null>;
}
