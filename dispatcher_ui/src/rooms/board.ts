/** The time line of a plan: a lane per run, a block per stop. Only lanes in sight are drawn. */

import { colourOf } from "../colours";
import { t, tn } from "../language";
import { h } from "../page";
import { clockTime } from "../values";
import type { DraftRun, DraftStop } from "./plan_records";

const LANE_PX = 40;
const WHO_PX = 156;
const PX_PER_MIN = 5;
/** What a finger or an unsteady hand can hit; stops closer in time than that move apart. */
const BLOCK_MIN_PX = 25;
const SPARE_LANES = 4;
const HOUR_MS = 3_600_000;

/** Where a stop would be put: before that stop of the shift's run, the moved one not counted. */
export interface Aim {
  stop: DraftStop;
  shiftId: string;
  index: number;
}

export class Board {
  readonly element = h("div", { class: "board", role: "group", "aria-label": t("Runs by time") });
  private runs: DraftRun[] = [];
  private startMs = 0;
  private endMs = 0;
  private selectedId: string | undefined;
  private dragged: DraftStop | undefined;
  private aim: Aim | undefined;
  private readonly lanes = h("div", { class: "lanes" });
  /** Those in the document, by their place among the runs. */
  private readonly drawn = new Map<number, HTMLElement>();
  private readonly arrow = h("span", { class: "aim", "aria-hidden": "true" });

  constructor(
    private readonly nameOf: (driverId: string) => string,
    private readonly drop: (aim: Aim) => void,
    private readonly choose: (stop: DraftStop | undefined) => void,
    /** Told while somebody still thinks about where to drop it; undefined when given up. */
    private readonly aimed: (aim: Aim | undefined) => void,
  ) {
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  show(runs: DraftRun[]): void {
    const isFirst = this.runs.length === 0;
    this.runs = runs;
    const starts = runs.map((run) => Date.parse(run.starts_at));
    const ends = runs.map((run) => Date.parse(run.ends_at));
    this.startMs = Math.floor(Math.min(...starts) / HOUR_MS) * HOUR_MS;
    this.endMs = Math.ceil(Math.max(...ends) / HOUR_MS) * HOUR_MS;
    const focusedId = this.stopIdOf(document.activeElement);
    this.dragged = undefined;
    this.takeAim(undefined);
    this.drawn.clear();
    this.lanes.style.height = `${runs.length * LANE_PX}px`;
    this.lanes.replaceChildren();
    this.element.replaceChildren(...(runs.length > 0 ? [this.hours(), this.lanes] : []));
    this.draw();
    if (isFirst) this.scrollToFirstStop();
    if (focusedId) this.blockOf(focusedId)?.focus({ preventScroll: true });
  }

  /** Shifts may begin hours before anybody is to be visited. */
  private scrollToFirstStop(): void {
    const first = Math.min(...this.runs.flatMap((run) => run.stops.map((stop) => Date.parse(stop.arrival_at))));
    if (!Number.isFinite(first)) return;
    const x = Math.max(0, this.xOf(first) - WHO_PX - BLOCK_MIN_PX);
    this.element.scrollLeft = this.isMirrored ? -x : x;
  }

  select(stopId: string): void {
    this.mark(stopId);
    const lane = this.runs.findIndex((run) => run.stops.some(({ id }) => id === stopId));
    if (!this.drawn.has(lane) && lane >= 0) this.element.scrollTop = lane * LANE_PX;
    this.draw();
    this.blockOf(stopId)?.focus();
  }

  selected(): DraftStop | undefined {
    return this.runs.flatMap((run) => run.stops).find(({ id }) => id === this.selectedId);
  }

  /** Lanes come and go as the board is scrolled; those that stay are left alone, and so is the one
   * from which a stop is dragged: a browser ends a drag whose beginning is gone. */
  private draw(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / LANE_PX) - SPARE_LANES);
    const seen = Math.ceil((this.element.clientHeight || 400) / LANE_PX) + 2 * SPARE_LANES;
    const last = Math.min(this.runs.length, first + seen);
    const held = this.stopIdOf(document.activeElement);
    for (const [index, lane] of this.drawn) {
      const isHeld = this.runs[index]?.stops.some(({ id }) => id === this.dragged?.id || id === held);
      if (isHeld || (index >= first && index < last)) continue;
      lane.remove();
      this.drawn.delete(index);
    }
    for (let index = first; index < last; index += 1) {
      const run = this.runs[index];
      if (run === undefined || this.drawn.has(index)) continue;
      const lane = this.lane(run);
      lane.style.top = `${index * LANE_PX}px`;
      this.drawn.set(index, lane);
      const later = Math.min(...[...this.drawn.keys()].filter((each) => each > index));
      this.lanes.insertBefore(lane, this.drawn.get(later) ?? null);
    }
    this.drawAim();
  }

  /** The one that is chosen, if any. */
  private mark(stopId: string | undefined): void {
    for (const id of [this.selectedId, stopId]) {
      if (id) this.blockOf(id)?.setAttribute("aria-pressed", String(id === stopId));
    }
    this.selectedId = stopId;
  }

  private hours(): HTMLElement {
    const row = h("div", { class: "hours", "aria-hidden": "true" });
    row.style.width = `${this.xOf(this.endMs)}px`;
    for (let ms = this.startMs; ms < this.endMs; ms += HOUR_MS) {
      const mark = h("span", {}, clockTime(new Date(ms).toISOString()));
      mark.style.insetInlineStart = `${this.xOf(ms)}px`;
      row.append(mark);
    }
    return row;
  }

  private lane(run: DraftRun): HTMLElement {
    const name = this.nameOf(run.driver_id);
    const places = this.layOut(run.stops);
    const lane = h("div", { class: "lane", role: "group", "data-shift": run.shift_id, "aria-label": `${name}, ${run.vehicle_label}` },
      h("span", { class: "who" }, name, h("small", {}, tn(run.stops.length, "{vehicle} · {n} stop", "{vehicle} · {n} stops", { vehicle: run.vehicle_label }))),
      ...run.stops.map((stop, index) => this.block(run, stop, index, places)));
    lane.style.width = `${this.xOf(this.endMs)}px`;
    lane.addEventListener("dragover", (event) => {
      event.preventDefault();
      if (!this.dragged) return;
      const others = othersOf(run, this.dragged);
      const { left, right } = lane.getBoundingClientRect();
      const at = this.isMirrored ? right - event.clientX : event.clientX - left;
      const index = this.layOut(others).filter((x) => x < at).length;
      this.takeAim({ stop: this.dragged, shiftId: run.shift_id, index });
    });
    lane.addEventListener("drop", (event) => {
      event.preventDefault();
      if (this.aim) this.drop(this.aim);
    });
    return lane;
  }

  private block(run: DraftRun, stop: DraftStop, index: number, places: number[]): HTMLElement {
    const block = h("button", {
      type: "button", class: "block", draggable: "true", "data-stop": stop.id, "aria-pressed": String(stop.id === this.selectedId),
      title: `${stop.address} · ${clockTime(stop.arrival_at)} – ${clockTime(stop.departure_at)}`,
      "aria-label": `${index + 1}: ${stop.address}, ${clockTime(stop.arrival_at)}${stop.locked ? `, ${t("locked")}` : ""}`,
      onclick: () => {
        this.mark(stop.id === this.selectedId ? undefined : stop.id);
        this.choose(this.selected());
      },
      ondragstart: (event: DragEvent) => {
        event.dataTransfer?.setData("text/plain", stop.id);
        this.dragged = stop;
      },
      ondragend: () => {
        this.dragged = undefined;
        this.takeAim(undefined);
      },
    }, `${stop.locked ? "🔒" : ""}${index + 1} ${stop.address}`);
    const x = places[index] ?? 0;
    block.style.insetInlineStart = `${x}px`;
    const room = (places[index + 1] ?? Infinity) - x - 1;
    const wanted = Math.max(BLOCK_MIN_PX, this.xOf(Date.parse(stop.departure_at)) - x);
    block.style.width = `${Math.min(wanted, room)}px`;
    block.style.borderInlineStartColor = colourOf(run.driver_id);
    return block;
  }

  /** Arrows aim, Enter drops, Escape gives up. */
  private onKey(event: KeyboardEvent): void {
    const stop = this.selected();
    if (!stop || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.nextAim(stop, event.key);
    if (next) {
      this.takeAim(next);
      this.arrow.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else if (event.key === "Enter" && this.aim) this.drop(this.aim);
    else if (event.key === "Escape" && this.aim) this.takeAim(undefined);
    else return;
    event.preventDefault();
  }

  private nextAim(stop: DraftStop, key: string): Aim | undefined {
    const own = this.runs.find((run) => run.stops.some(({ id }) => id === stop.id));
    if (!own) return undefined;
    const from = this.aim ?? { stop, shiftId: own.shift_id, index: own.stops.findIndex(({ id }) => id === stop.id) };
    const at = this.runs.findIndex((run) => run.shift_id === from.shiftId);
    const run = this.runs[at];
    const ahead = this.isMirrored ? "ArrowLeft" : "ArrowRight";
    const sideways = key === ahead ? 1 : key === "ArrowLeft" || key === "ArrowRight" ? -1 : 0;
    const last = run ? othersOf(run, stop).length : 0;
    if (sideways !== 0) return { ...from, index: Math.min(last, Math.max(0, from.index + sideways)) };
    const other = this.runs[at + (key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : NaN)];
    if (!other) return undefined;
    const earlier = othersOf(other, stop).filter((each) => each.start_at < stop.start_at).length;
    return { stop, shiftId: other.shift_id, index: earlier };
  }

  private takeAim(aim: Aim | undefined): void {
    const { stop, shiftId, index } = this.aim ?? {};
    if (aim?.stop.id === stop?.id && aim?.shiftId === shiftId && aim?.index === index) return;
    this.aim = aim;
    this.drawAim();
    this.aimed(aim);
  }

  /** A mark of its own, so that nothing under the pointer is drawn anew while it is dragged. */
  private drawAim(): void {
    this.arrow.remove();
    const run = this.runs.find((each) => each.shift_id === this.aim?.shiftId);
    if (!this.aim || !run) return;
    const places = this.layOut(othersOf(run, this.aim.stop));
    const before = places[this.aim.index - 1];
    const x = places[this.aim.index] ?? (before === undefined ? WHO_PX : before + BLOCK_MIN_PX);
    this.arrow.style.insetInlineStart = `${x}px`;
    const lane = this.element.querySelector(`[data-shift="${run.shift_id}"]`);
    lane?.append(this.arrow);
  }

  private stopIdOf(element: Element | null): string | undefined {
    return element instanceof HTMLElement && this.element.contains(element) ? element.dataset["stop"] : undefined;
  }

  private blockOf(stopId: string): HTMLElement | null {
    return this.element.querySelector<HTMLElement>(`[data-stop="${stopId}"]`);
  }

  /** Where each block begins: at its time, or as near to it as there is room. */
  private layOut(stops: DraftStop[]): number[] {
    let free = 0;
    return stops.map((stop) => {
      const x = Math.max(free, this.xOf(Date.parse(stop.arrival_at)));
      free = x + BLOCK_MIN_PX + 1;
      return x;
    });
  }

  /** Whether time runs from right to left, as the words of the page do. */
  private get isMirrored(): boolean {
    return document.documentElement.dir === "rtl";
  }

  private xOf(ms: number): number {
    return WHO_PX + ((ms - this.startMs) / 60_000) * PX_PER_MIN;
  }
}

const othersOf = (run: DraftRun, stop: DraftStop): DraftStop[] =>
  run.stops.filter(({ id }) => id !== stop.id);
