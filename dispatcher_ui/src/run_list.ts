/** The list of runs: all that the map shows, in words. Rows are kept and changed in place. */

import { nowMs } from "./clock";
import { isAtDoor, progressOf, stateOf, type Entry, type Fleet } from "./fleet";
import type { StopRecord } from "./frames";
import { t } from "./language";
import { colourOf } from "./colours";
import { make, say } from "./page";
import { durationWords, latenessKind, latenessWords, runWords, stopWords, timeOf } from "./live_words";

/** key: of the entry; stopId: of the stop in it, if one was meant. */
export interface Selection {
  key: string;
  stopId: string | undefined;
}

type Select = (selection: Selection | undefined) => void;

export class RunList {
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly list: HTMLElement,
    private readonly empty: HTMLElement,
    private readonly select: Select,
  ) {
    list.addEventListener("keydown", (event) => this.moveFocus(event));
  }

  /** narrowedTo: show only entries in which every one of these words occurs. */
  update(fleet: Fleet, selection: Selection | undefined, narrowedTo = ""): void {
    const words = narrowedTo.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const entries = fleet.entries().filter((entry) => saysAll(entry, words));
    const keys = new Set(entries.map((entry) => entry.key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    entries.forEach((entry, index) => {
      let row = this.rows.get(entry.key);
      if (row === undefined) {
        row = new Row(entry.key, this.select);
        this.rows.set(entry.key, row);
      }
      const here = this.list.children[index];
      if (here !== row.element) this.list.insertBefore(row.element, here ?? null);
      row.update(entry, nowMs(), selection?.key === entry.key ? selection : undefined);
    });
    this.empty.hidden = entries.length > 0;
  }

  scrollTo(key: string): void {
    this.rows.get(key)?.element.scrollIntoView({ block: "nearest" });
  }

  /** Arrow keys go from row to row; Tab and Enter work as everywhere. */
  private moveFocus(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    const buttons = [...this.list.querySelectorAll<HTMLButtonElement>("button.run, button.stop")];
    const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}

class Row {
  readonly element: HTMLLIElement;
  private readonly button = make("button", "run");
  private readonly swatch = make("span", "swatch");
  private readonly name = make("strong", "name");
  private readonly lateness = make("span", "lateness");
  private readonly state = make("span", "state");
  private readonly next = make("span", "next");
  private readonly seen = make("span", "seen");
  private readonly meter = make("progress", "meter");
  private readonly stops = make("ol", "stops");
  private readonly stopRows: StopRow[] = [];
  private isSelected = false;

  constructor(
    private readonly key: string,
    private readonly select: Select,
  ) {
    this.button.type = "button";
    this.button.append(
      this.swatch, this.name, this.lateness, this.state, this.meter, this.next, this.seen,
    );
    this.swatch.ariaHidden = "true";
    this.meter.ariaHidden = "true"; // the words beside it say the same
    this.stops.hidden = true;
    this.button.addEventListener("click", () =>
      select(this.isSelected ? undefined : { key, stopId: undefined }),
    );
    this.element = make("li", "", this.button, this.stops);
  }

  update(entry: Entry, nowMs: number, selection: Selection | undefined): void {
    this.isSelected = selection !== undefined;
    this.button.ariaExpanded = String(this.isSelected);
    this.swatch.style.backgroundColor = colourOf(entry.driverId);
    say(this.name, entry.name);
    say(this.seen, seenWords(entry, nowMs));
    this.seen.classList.toggle("old", isOld(entry, nowMs));
    this.updateRun(entry, nowMs);
    this.updateStops(entry, selection);
  }

  private updateRun({ run }: Entry, nowMs: number): void {
    this.meter.hidden = run === undefined;
    if (run === undefined) {
      say(this.state, t("No run"));
      say(this.next, "");
      say(this.lateness, "");
      return;
    }
    const progress = progressOf(run, nowMs);
    say(this.state, `${runWords(run.state)} · ${t("{done} of {total} stops", { done: progress.done, total: progress.total })}`);
    this.meter.max = Math.max(progress.total, 1);
    this.meter.value = progress.done;
    say(this.lateness, latenessWords(progress));
    this.lateness.dataset["kind"] = latenessKind(progress);
    this.lateness.title = progress.missesWindow ? t("The next customer's window is missed") : "";
    say(this.next, progress.next ? nextWords(progress.next) : "");
  }

  private updateStops(entry: Entry, selection: Selection | undefined): void {
    this.stops.hidden = selection === undefined || entry.run === undefined;
    if (this.stops.hidden || entry.run === undefined) return;
    const shown = entry.run.stops;
    while (this.stopRows.length > shown.length) this.stopRows.pop()?.element.remove();
    shown.forEach((stop, index) => {
      let row = this.stopRows[index];
      if (row === undefined) {
        row = new StopRow((stopId) => this.select({ key: this.key, stopId }));
        this.stopRows.push(row);
        this.stops.append(row.element);
      }
      row.update(stop, selection?.stopId === stop.id);
    });
  }
}

class StopRow {
  readonly element: HTMLLIElement;
  private readonly button = make("button", "stop");
  private readonly number = make("span", "number");
  private readonly address = make("span", "address");
  private readonly state = make("span", "state");
  private stopId = "";

  constructor(select: (stopId: string) => void) {
    this.button.type = "button";
    this.button.append(this.number, this.address, this.state);
    this.button.addEventListener("click", () => select(this.stopId));
    this.element = make("li", "", this.button);
  }

  update(stop: StopRecord, isSelected: boolean): void {
    const state = stateOf(stop);
    this.stopId = stop.id;
    this.button.ariaPressed = String(isSelected);
    this.number.dataset["state"] = state;
    say(this.number, String(stop.sequence + 1));
    say(this.address, stop.address || t("Place without an address"));
    say(this.state, `${stopWords(state)} · ${timeWords(stop)}`);
  }
}

function saysAll({ name, run }: Entry, words: string[]): boolean {
  if (words.length === 0) return true;
  const addresses = run?.stops.map((stop) => stop.address) ?? [];
  const said = [name, run ? runWords(run.state) : t("No run"), ...addresses].join(" ");
  return words.every((word) => said.toLocaleLowerCase().includes(word));
}

/** When the driver is expected, else when it was planned. */
function timeWords(stop: StopRecord): string {
  if (stop.eta_from_at === null || stop.eta_until_at === null) {
    return t("planned {time}", { time: timeOf(stop.planned_arrival_at) });
  }
  const [from, until] = [timeOf(stop.eta_from_at), timeOf(stop.eta_until_at)];
  return t("between {from} and {until}", { from, until });
}

function nextWords(stop: StopRecord): string {
  const verb = isAtDoor(stop) ? t("At") : stop.state === "under_way" ? t("Driving to") : t("Next");
  return `${verb}: ${stop.address || t("place without an address")}, ${timeOf(stop.planned_arrival_at)}`;
}

const OLD_S = 120;

function ageS(entry: Entry, nowMs: number): number | undefined {
  return entry.driver && (nowMs - Date.parse(entry.driver.taken_at)) / 1000;
}

function isOld(entry: Entry, nowMs: number): boolean {
  return entry.run?.state === "started" && (ageS(entry, nowMs) ?? Infinity) > OLD_S;
}

function seenWords(entry: Entry, nowMs: number): string {
  const age = ageS(entry, nowMs);
  if (entry.driver === undefined || age === undefined) return t("No position yet");
  const words = [t("Position {age} old", { age: durationWords(age) })];
  const { speed_mps: speed, battery_percent: battery } = entry.driver;
  if (speed !== null) words.push(`${Math.round(speed * 3.6)} km/h`);
  if (battery !== null) words.push(t("battery {n} %", { n: battery }));
  return words.join(" · ");
}
