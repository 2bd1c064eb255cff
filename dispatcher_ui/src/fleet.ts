/** What is known of drivers, runs and exceptions now, from the frames that have come. */

import { nowMs, setClock } from "./clock";
import {
  type DriverRecord,
  eachMove,
  type ExceptionRecord,
  type Frame,
  type RunRecord,
  type StopRecord,
} from "./frames";

export type StopState = "waiting" | "under_way" | "done" | "failed";

/** A driver; where one is changes in place, so that ten thousand who move cost nothing. */
export type Driver = Omit<DriverRecord, "taken_at"> & { takenMs: number };

/** One line of the list: a run, or a driver who has none. */
export interface Entry {
  key: string;
  driverId: string;
  name: string;
  run: RunRecord | undefined;
  driver: Driver | undefined;
}

/** How a run gets on. lateS: seconds behind the plan that the driver is expected at the next stop,
 * or is there; negative when ahead. promise: "missed" when the window of somebody who still waits
 * is over, "in_danger" when the forecast says that it will be. */
export interface Progress {
  done: number;
  total: number;
  next: StopRecord | undefined;
  lateS: number;
  promise: "kept" | "in_danger" | "missed";
}

export class Fleet {
  readonly drivers = new Map<string, Driver>();
  readonly runs = new Map<string, RunRecord>();
  readonly exceptions = new Map<string, ExceptionRecord>();
  /** Called when there may be others than before. */
  onExceptions: (() => void) | undefined;
  /** Counts every change of a record; moves are none. */
  version = 0;
  private byNumber: (Driver | undefined)[] = [];
  private sorted: Entry[] | undefined;
  private byKey = new Map<string, Entry>();
  /** Driver 2 comes before Driver 10. */
  private readonly collator = new Intl.Collator(undefined, { numeric: true });

  /** Take in a frame: all anew when it is a snapshot, else what it tells. */
  apply(frame: Frame): void {
    setClock(frame.now, frame.speed);
    const whole = frame.type === "snapshot";
    if (whole) this.forgetAll();
    for (const [id, record] of Object.entries(frame.drivers)) this.takeDriver(id, record);
    for (const [id, run] of Object.entries(frame.runs)) this.takeRun(id, run);
    if (whole || Object.keys(frame.exceptions).length > 0) this.onExceptions?.();
    for (const [id, record] of Object.entries(frame.exceptions)) {
      this.version += 1;
      if (record === null) this.exceptions.delete(id);
      else this.exceptions.set(id, record);
    }
  }

  /** Take in where drivers have moved to. */
  move(frame: ArrayBuffer): void {
    eachMove(frame, nowMs(), (number, lon, lat, takenMs, headingDeg, speedMps) => {
      const driver = this.byNumber[number];
      if (driver === undefined) return;
      driver.position[0] = lon;
      driver.position[1] = lat;
      driver.takenMs = takenMs;
      driver.heading_deg = headingDeg;
      driver.speed_mps = speedMps;
    });
  }

  /** Every run, and every driver without one, by name. The same array until somebody comes or
   * goes; its entries are kept current. */
  entries(): readonly Entry[] {
    return (this.sorted ??= this.sort());
  }

  nameOf(driverId: string): string | undefined {
    const run = [...this.runs.values()].find((each) => each.driver_id === driverId);
    return this.drivers.get(driverId)?.name ?? run?.driver_name;
  }

  /** What to select for a driver: the run that is driven, else the first of the others. */
  keyOfDriver(driverId: string): string {
    const runs = [...this.runs.values()].filter((run) => run.driver_id === driverId);
    const driven = runs.find((run) => run.state === "started");
    return (driven ?? runs.find((run) => run.state === "published") ?? runs[0])?.id ?? driverId;
  }

  private forgetAll(): void {
    for (const records of [this.drivers, this.runs, this.exceptions]) records.clear();
    this.byNumber = [];
    this.sorted = undefined;
    this.version += 1;
  }

  private takeDriver(id: string, record: DriverRecord | null): void {
    this.version += 1;
    const known = this.drivers.get(id);
    if (record === null) {
      this.sorted = undefined;
      this.drivers.delete(id);
      if (known) this.byNumber[known.number] = undefined;
      return;
    }
    if (known?.name !== record.name) this.sorted = undefined;
    const told = record as DriverRecord & Driver; // nobody else keeps what has come
    told.takenMs = Date.parse(record.taken_at);
    const driver = known ? Object.assign(known, told) : told;
    if (!known) this.drivers.set(id, driver);
    this.byNumber[driver.number] = driver;
  }

  private takeRun(id: string, run: RunRecord | null): void {
    this.version += 1;
    const known = this.runs.get(id);
    if (run === null) this.runs.delete(id);
    else this.runs.set(id, run);
    const isSame = run !== null && known?.driver_id === run.driver_id && known.starts_at === run.starts_at;
    if (!isSame) this.sorted = undefined;
    const entry = this.byKey.get(id);
    if (entry) entry.run = run ?? undefined;
  }

  private sort(): Entry[] {
    const busy = new Set<string>();
    const entries: Entry[] = [];
    for (const run of this.runs.values()) {
      busy.add(run.driver_id);
      const driver = this.drivers.get(run.driver_id);
      entries.push({ key: run.id, driverId: run.driver_id, name: run.driver_name, run, driver });
    }
    for (const driver of this.drivers.values()) {
      if (busy.has(driver.driver_id)) continue;
      const { driver_id: driverId, name } = driver;
      entries.push({ key: driverId, driverId, name, run: undefined, driver });
    }
    this.byKey = new Map(entries.map((entry) => [entry.key, entry]));
    const { compare } = this.collator;
    return entries.sort((a, b) => compare(a.name, b.name) || startOf(a) - startOf(b));
  }
}

export function progressOf(run: RunRecord, nowMs: number): Progress {
  const done = run.stops.filter((stop) => stop.state === "done").length;
  const next = run.stops.find((stop) => stop.state !== "done");
  let lateS = run.delay_s;
  if (next !== undefined && !isAtDoor(next)) {
    const plannedMs = Date.parse(next.planned_arrival_at);
    const likelyMs = likelyMsOf(next);
    lateS = likelyMs === undefined ? Math.max(lateS, (nowMs - plannedMs) / 1000) : (likelyMs - plannedMs) / 1000;
  }
  const waiting = run.stops.filter((stop) => stop.state !== "done" && !isAtDoor(stop));
  const promise = waiting.some((stop) => isOver(stop, nowMs)) ? "missed"
    : waiting.some((stop) => stop.will_miss_window) ? "in_danger" : "kept";
  return { done, total: run.stops.length, next, lateS, promise };
}

/** Whether the window of a task that is still to be done has passed. */
const isOver = (stop: StopRecord, nowMs: number): boolean =>
  stop.tasks.some(({ state, window_end_at: end }) => end !== null && Date.parse(end) < nowMs && !FINAL.includes(state));

const FINAL = ["completed", "failed", "cancelled"];

/** The middle of the forecast. */
function likelyMsOf({ eta_from_at: from, eta_until_at: until }: StopRecord): number | undefined {
  return from === null || until === null ? undefined : (Date.parse(from) + Date.parse(until)) / 2;
}

export function isAtDoor(stop: StopRecord): boolean {
  return stop.tasks.some((task) => task.state === "arrived");
}

export function stateOf(stop: StopRecord): StopState {
  const failed = stop.tasks.some((task) => task.state === "failed");
  return stop.state === "done" && failed ? "failed" : stop.state;
}

function startOf(entry: Entry): number {
  return entry.run ? Date.parse(entry.run.starts_at) : 0;
}
