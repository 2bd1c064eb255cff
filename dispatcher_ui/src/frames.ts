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

/** Where a driver is now; what changes most. */
export interface Move {
  number: number;
  position: LonLat;
  taken_at: string;
  speed_mps: number | null;
  heading_deg: number | null;
}

export interface Moves {
  cursor: number;
  moves: Move[];
}

const HEADER_BYTES = 16;
const MARKER_BYTES = 16;
const UNKNOWN = 255;
/** So far ahead of ours may the clock of a phone be that counts. */
const AHEAD_S = 600;

/** Read a binary frame of moves; its layout is in server/live/map_moves.py. */
export function readMoves(buffer: ArrayBuffer, nowMs: number): Moves {
  const data = new DataView(buffer);
  const moves: Move[] = [];
  for (let at = HEADER_BYTES; at + MARKER_BYTES <= data.byteLength; at += MARKER_BYTES) {
    const heading = data.getUint8(at + 12);
    const speed = data.getUint8(at + 13);
    moves.push({
      number: data.getUint32(at, true),
      position: [data.getInt32(at + 8, true) / 1e7, data.getInt32(at + 4, true) / 1e7],
      taken_at: momentOf(data.getUint16(at + 14, true), nowMs),
      heading_deg: heading === UNKNOWN ? null : heading * 1.5,
      speed_mps: speed === UNKNOWN ? null : speed / 2,
    });
  }
  return { cursor: Number(data.getBigUint64(8, true)), moves };
}

/** The newest moment not after now whose unix second ends in these 16 bits. */
function momentOf(low16: number, nowMs: number): string {
  const latestS = Math.floor(nowMs / 1000) + AHEAD_S;
  return new Date((latestS - ((latestS - low16) & 0xffff)) * 1000).toISOString();
}
