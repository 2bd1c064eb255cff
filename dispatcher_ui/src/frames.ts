/** What the server sends over /ws/dispatch. Positions are longitude, latitude; times ISO 8601. */

export type LonLat = [lon: number, lat: number];

/** number: how frames of moves call the driver. */
export interface DriverRecord {
  number: number;
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
  /** The driver comes in between with a probability of 80 %; null without a forecast. */
  eta_from_at: string | null;
  eta_until_at: string | null;
  /** By the forecast, and by more than anybody forgives. */
  will_miss_window: boolean;
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

/** pattern: what happened, with the names of details for their values. */
export interface ExceptionRecord {
  id: string;
  pattern: string;
  details: Record<string, unknown>;
  driver_id: string | null;
  raised_at: string;
}

/** Records by id; null says that one is gone. `now` and `speed`: the clock of the times in it.
 * `number`: so many frames were sent over this connection, those of moves and this one included. */
export interface Frame {
  type: "snapshot" | "changes";
  number: number;
  cursor: number;
  now: string;
  speed: number;
  is_current: boolean;
  drivers: Record<string, DriverRecord | null>;
  runs: Record<string, RunRecord | null>;
  exceptions: Record<string, ExceptionRecord | null>;
}

const HEADER_BYTES = 16;
const MARKER_BYTES = 16;
const UNKNOWN = 255;
/** So far ahead of ours may the clock of a phone be that counts. */
const AHEAD_S = 600;

/** Where a driver is now; what changes most. number: as in the driver's record. */
export type Moved = (
  number: number,
  lon: number,
  lat: number,
  takenMs: number,
  headingDeg: number | null,
  speedMps: number | null,
) => void;

/** What to acknowledge a binary frame by. */
export const cursorOf = (frame: ArrayBuffer): number =>
  Number(new DataView(frame).getBigUint64(8, true));

/** Tell the moves of a binary frame one by one, so that ten thousand of them leave no rubbish
 * behind; the layout is in server/live/map_moves.py. */
export function eachMove(frame: ArrayBuffer, nowMs: number, moved: Moved): void {
  const data = new DataView(frame);
  const latestS = Math.floor(nowMs / 1000) + AHEAD_S;
  for (let at = HEADER_BYTES; at + MARKER_BYTES <= data.byteLength; at += MARKER_BYTES) {
    const heading = data.getUint8(at + 12);
    const speed = data.getUint8(at + 13);
    // The newest moment not after now whose unix second ends in these 16 bits.
    const takenS = latestS - ((latestS - data.getUint16(at + 14, true)) & 0xffff);
    moved(
      data.getUint32(at, true),
      data.getInt32(at + 8, true) / 1e7,
      data.getInt32(at + 4, true) / 1e7,
      takenS * 1000,
      heading === UNKNOWN ? null : heading * 1.5,
      speed === UNKNOWN ? null : speed / 2,
    );
  }
}
