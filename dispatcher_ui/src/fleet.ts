/** What is known of drivers, runs and exceptions now, from the frames that have come. */

import { setClock } from "./clock";
import type {
  DriverRecord,
  ExceptionRecord,
  Frame,
  Move,
  RunRecord,
  StopRecord,
} from "./frames";

export type StopState = "waiting" | "under_way" | "done" | "failed";

/** One line of the list: a run, or a driver who has none. */
export interface Entry {
  key: string;
  driverId: string;
  name: string;
  run: RunRecord | undefined;
  driver: DriverRecord | undefined;
}

/** How a run gets on. lateS: seconds behind the plan, negative when ahead. */
export interface Progress {
  done: number;
  total: number;
  next: StopRecord | undefined;
  lateS: number;
  missesWindow: boolean;
}

export class Fleet {
  readonly drivers = new Map<string, DriverRecord>();
  readonly runs = new Map<string, RunRecord>();
  readonly exceptions = new Map<string, ExceptionRecord>();

  /** Take in a frame: all anew when it is a snapshot, else what it tells. */
  apply(frame: Frame): void {
    setClock(frame.now, frame.speed);
    const whole = frame.type === "snapshot";
    merge(this.drivers, frame.drivers, whole);
    merge(this.runs, frame.runs, whole);
    merge(this.exceptions, frame.exceptions, whole);
  }

  /** Take in where drivers have moved to. */
  move(moves: readonly Move[]): void {
    const byNumber = new Map<number, DriverRecord>();
    for (const driver of this.drivers.values()) byNumber.set(driver.number, driver);
    for (const { number, ...moved } of moves) {
      const driver = byNumber.get(number);
      if (driver !== undefined) this.drivers.set(driver.driver_id, { ...driver, ...moved });
    }
  }

  /** Every run, and every driver without one, by name. */
  entries(): Entry[] {
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
    return entries.sort((a, b) => a.name.localeCompare(b.name) || startOf(a) - startOf(b));
  }

  /** What to select for a driver: the run that is driven, else the first of the others. */
  keyOfDriver(driverId: string): string {
    const runs = [...this.runs.values()].filter((run) => run.driver_id === driverId);
    const driven = runs.find((run) => run.state === "started");
    return (driven ?? runs.find((run) => run.state === "published") ?? runs[0])?.id ?? driverId;
  }
}

export function progressOf(run: RunRecord, nowMs: number): Progress {
  const done = run.stops.filter((stop) => stop.state === "done").length;
  const next = run.stops.find((stop) => stop.state !== "done");
  let lateS = run.delay_s;
  let missesWindow = false;
  if (next !== undefined) {
    const plannedMs = Date.parse(next.planned_arrival_at);
    if (!isAtDoor(next)) lateS = Math.max(lateS, (nowMs - plannedMs) / 1000);
    const expectedMs = plannedMs + Math.max(lateS, 0) * 1000;
    missesWindow = next.tasks.some(
      (task) => task.window_end_at !== null && Date.parse(task.window_end_at) < expectedMs,
    );
  }
  return { done, total: run.stops.length, next, lateS, missesWindow };
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

function merge<Kept>(
  known: Map<string, Kept>,
  news: Record<string, Kept | null>,
  whole: boolean,
): void {
  if (whole) known.clear();
  for (const [id, record] of Object.entries(news)) {
    if (record === null) known.delete(id);
    else known.set(id, record);
  }
}
