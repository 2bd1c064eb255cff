/** The time of the business, which in a demo runs faster than the wall clock. */

let clock = { shownMs: Date.now(), readMs: Date.now(), speed: 1 };
let heard: () => void;
const told = new Promise<void>((resolve) => (heard = resolve));
const PATIENCE_MS = 2_000;

export function setClock(now: string, speed: number): void {
  clock = { shownMs: Date.parse(now), readMs: Date.now(), speed };
  heard();
}

/** text: the moment from which the server's time runs, how fast, and since when; null: real time. */
export function setClockOf(text: string | null): void {
  const [origin = "", speed = "1", startedS = "0"] = text?.split("@") ?? [];
  const sinceMs = Date.now() - Number(startedS) * 1000;
  const now = text === null ? Date.now() : Date.parse(origin) + sinceMs * Number(speed);
  setClock(new Date(now).toISOString(), Number(speed));
}

export const nowMs = (): number => clock.shownMs + (Date.now() - clock.readMs) * clock.speed;

/** When the server has told its time. */
export const clockIsKnown = (): Promise<unknown> =>
  Promise.race([told, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);

/** The day there, as YYYY-MM-DD. zone: of the depot. */
export const today = (zone?: string): string => dayOf(nowMs(), zone);

export const dayOf = (moment: string | number, zone?: string): string =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date(moment));
