/** The list of runs: all that the map shows, in words. Only rows in sight are in the document, kept
 * and changed in place, so that ten thousand drivers cost no more than twenty. */

import { nowMs } from "./clock";
import { isAtDoor, progressOf, stateOf, type Entry, type Fleet } from "./fleet";
import type { StopRecord } from "./frames";
import { t } from "./language";
import { colourOf } from "./colours";
import { make, say } from "./page";
import { durationWords, latenessKind, latenessWords, promiseWords, runWords, stopWords, timeOf } from "./live_words";

/** key: of the entry; stopId: of the stop in it, if one was meant. */
export interface Selection {
  key: string;
  stopId: string | undefined;
}

type Select = (selection: Selection | undefined) => void;

/** As in style.css. */
const RUN_REM = 7.2;
const IDLE_REM = 4.6;
const SPARE_PX = 400;

export class RunList {
  private readonly rows = new Map<string, Row>();
  private entries: readonly Entry[] = [];
  /** Where each entry begins, and behind the last one where the list ends; the stops of the
   * chosen one, which are as high as they are, not counted. */
  private tops = new Float64Array(1);
  private indexes = new Map<string, number>();
  private seen: { entries: readonly Entry[]; version: number; words: string } | undefined;
  private fleet: Fleet | undefined;
  private selection: Selection | undefined;
  private stopsPx = 0;
  private readonly side: HTMLElement;
  private readonly remPx = parseFloat(getComputedStyle(document.documentElement).fontSize);

  constructor(
    private readonly list: HTMLElement,
    private readonly empty: HTMLElement,
    private readonly select: Select,
  ) {
    this.side = list.parentElement ?? list;
    list.addEventListener("keydown", (event) => this.moveFocus(event));
    this.side.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.side);
  }

  /** narrowedTo: show only entries in which every one of these words occurs. */
  update(fleet: Fleet, selection: Selection | undefined, narrowedTo = ""): void {
    this.fleet = fleet;
    this.selection = selection;
    const words = narrowedTo.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const all = fleet.entries();
    const { seen } = this;
    const isOld = seen?.entries !== all || seen.words !== narrowedTo ||
      (words.length > 0 && seen.version !== fleet.version);
    if (isOld) {
      this.seen = { entries: all, version: fleet.version, words: narrowedTo };
      this.arrange(words.length > 0 ? all.filter((entry) => saysAll(entry, words)) : all);
    }
    this.draw();
    this.empty.hidden = this.entries.length > 0;
  }

  scrollTo(key: string): void {
    const index = this.indexes.get(key);
    if (index === undefined) return;
    const top = this.list.offsetTop + this.topOf(index);
    const { scrollTop, clientHeight } = this.side;
    const isSeen = scrollTop <= top && top + RUN_REM * this.remPx <= scrollTop + clientHeight;
    if (!isSeen) this.side.scrollTop = top - clientHeight / 4;
    this.draw();
  }

  private arrange(entries: readonly Entry[]): void {
    this.entries = entries;
    this.indexes = new Map(entries.map((entry, index) => [entry.key, index]));
    this.tops = new Float64Array(entries.length + 1);
    let top = 0;
    entries.forEach((entry, index) => {
      top += this.remPx * (entry.run ? RUN_REM : IDLE_REM);
      this.tops[index + 1] = top;
    });
  }

  private topOf(index: number): number {
    const chosen = this.indexes.get(this.selection?.key ?? "") ?? Infinity;
    return (this.tops[index] ?? 0) + (index > chosen ? this.stopsPx : 0);
  }

  private draw(): void {
    if (!this.fleet) return;
    const from = this.side.scrollTop - this.list.offsetTop - SPARE_PX;
    const until = from + this.side.clientHeight + 2 * SPARE_PX;
    const shown = new Set<string>();
    let before: Element | null = null;
    const first = this.indexAt(from - this.stopsPx);
    for (let index = first; index < this.entries.length && this.topOf(index) < until; index += 1) {
      const entry = this.entries[index];
      if (!entry) break;
      shown.add(entry.key);
      const row = this.rowOf(entry.key);
      const here: Element | null = before ? before.nextElementSibling : this.list.firstElementChild;
      if (here !== row.element) this.list.insertBefore(row.element, here);
      before = row.element;
      const isChosen = this.selection?.key === entry.key;
      row.update(entry, nowMs(), isChosen ? this.selection : undefined);
      row.place(this.topOf(index), index + 1, this.entries.length);
      if (isChosen) this.stopsPx = row.stopsPx();
    }
    if (this.selection === undefined) this.stopsPx = 0;
    for (const [key, row] of this.rows) {
      if (shown.has(key)) continue;
      if (this.indexes.has(key) && row.element.contains(document.activeElement)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    this.list.style.height = `${this.topOf(this.entries.length)}px`;
  }

  private rowOf(key: string): Row {
    let row = this.rows.get(key);
    if (row === undefined) {
      row = new Row(key, this.select);
      this.rows.set(key, row);
    }
    return row;
  }

  /** The entry that is at this height. */
  private indexAt(px: number): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.tops[middle + 1] ?? 0) <= px) low = middle + 1;
      else high = middle;
    }
    return low;
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

  /** top: in the list, in pixels; number: which of all it is. */
  place(top: number, number: number, all: number): void {
    const shift = `translateY(${top}px)`;
    if (this.element.style.transform !== shift) this.element.style.transform = shift;
    this.element.ariaPosInSet = String(number);
    this.element.ariaSetSize = String(all);
  }

  stopsPx(): number {
    return this.stops.hidden ? 0 : this.stops.offsetHeight;
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
    this.lateness.title = promiseWords(progress);
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
  return entry.driver && (nowMs - entry.driver.takenMs) / 1000;
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
