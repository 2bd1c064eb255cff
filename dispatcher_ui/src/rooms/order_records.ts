/** Orders, consignments and places as the server tells them. */

import type { LonLat } from "../frames";

export interface Party {
  name: string;
  phone?: string;
  email?: string;
  place_id?: string | null;
  /** The same for two places that are one address. */
  place_key?: string;
}

export interface Order {
  id: string;
  number: string;
  account_id: string;
  kind: "goods" | "courier";
  state: string;
  version: number;
  channel: string;
  external_id: string | null;
  reference: string;
  cost_centre?: string;
  consignor: Party | null;
  consignee: Party;
  lines: { sku: string; quantity: number; description?: string; unit_price_minor?: number | null }[];
  window_start_at: string | null;
  window_end_at: string | null;
  pickup_window_start_at: string | null;
  pickup_window_end_at: string | null;
  instructions: string;
  cash_minor: number;
  value_minor?: number;
  currency: string;
  captured_at: string;
}

export interface OrderEvent {
  what: string;
  by: string;
  occurred_at: string;
  reason: string;
  changes: Record<string, [unknown, unknown]>;
}

export interface Parcel {
  id: string;
  barcode: string;
  description: string;
  weight_g: number;
  state: string;
}

export interface Consignment {
  id: string;
  waybill: string;
  kind: string;
  state: string;
  order_id: string | null;
  consignor: Party;
  consignee: Party;
  parcels: Parcel[];
  window_start_at: string | null;
  window_end_at: string | null;
  instructions: string;
  cash_minor: number;
  currency: string;
}

export interface StoryEntry {
  state: string;
  occurred_at: string;
  received_at: string;
  by: string;
  barcodes?: string[];
  driver_id?: string | null;
  position?: LonLat | null;
  outcome_code?: string | null;
  proof_id?: string | null;
  conflicting?: boolean;
  reason?: string | null;
}

export interface Proof {
  id: string;
  kind: "POD" | "POC" | "POA";
  recipient_name: string | null;
  pin_matched: boolean | null;
  scans: string[];
  note: string | null;
  position: LonLat | null;
  occurred_at: string;
  files: { sha256: string; kind: "photo" | "signature"; content_type: string }[];
}

export interface ConsignmentDetail {
  consignment: Consignment;
  story: StoryEntry[];
  proofs: Proof[];
}

export interface Task {
  id: string;
  kind: string;
  state: string;
  attempt: number;
  driver_id: string | null;
  outcome_code: string | null;
  window_start_at: string | null;
  window_end_at: string | null;
}

export interface Place {
  id: string;
  name: string;
  line: string;
  city: string;
  position: LonLat | null;
  precision: string;
  needs_pin: boolean;
  access_note: string;
}

export interface Account {
  id: string;
  code: string;
  name: string;
  currency: string;
  active: boolean;
}
