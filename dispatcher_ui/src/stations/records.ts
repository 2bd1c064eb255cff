/** What the warehouse's routes answer, as far as the scanner pages use it. */

export interface Location { id: string; kind: string; path: string; name: string; warehouse_id: string | null }

export interface PickTask {
  id: string; fulfilment_id: string; order_number: string; location: string; sku: string; name: string;
  lot: string | null; quantity: number; missing: number; has_serials: boolean; state: string; sequence: number;
}
export interface NextPick { task: PickTask | null; units_here: number; left: number }
export interface Picked { done: PickTask[]; elsewhere: number; lacking: number; next: NextPick }
export interface Wave { id: string; warehouse_id: string; state: string; walk_m: number; created_at: string }

export interface Shortage { id: string; fulfilment_id: string; line: number; sku_id: string; quantity: number; state: string; created_at: string }
export interface Fulfilment { id: string; order_number: string; state: string; due_at: string; hold_reason: string }
export interface Goods {
  line: number; sku_id: string; sku: string; location: string; lot: string | null; quantity: number; packed: number;
  serials: string[]; state: string;
}
export interface FulfilmentDetail { fulfilment: Fulfilment; goods: Goods[]; shortages: Shortage[] }

export interface Sku {
  id: string; account_id: string; code: string; name: string; base_unit: string; weight_g: number; has_lots: boolean;
  has_serials: boolean; safety_stock: number; reorder_point: number; active: boolean;
  length_mm: number; width_mm: number; height_mm: number; backorder_allowed: boolean;
}
export interface Carton { code: string; name: string; tare_g: number; active: boolean }
export interface Level { id: string; sku_id: string; sku: string; location_id: string; path: string; lot: string | null; on_hand: number }
export interface PurchaseNote {
  id: string; account_id: string; number: string; supplier: string; expected_on: string | null;
  lines: { sku: string; ordered: number; received: number }[];
}
