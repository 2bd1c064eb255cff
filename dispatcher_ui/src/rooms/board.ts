/** The time line of a plan: a lane per run, a block per stop. Only lanes in sight are drawn. */

import { colourOf } from "../colours";
import { t } from "../language";
import { h } from "../page";
import { clockTime } from "../values";
import type { DraftRun, DraftStop } from "./plan_records";

const LANE_PX = 40;
const WHO_PX = 156;
const PX_PER_MIN = 4;
const BLOCK_MIN_PX = 26;
/** Narrower than this nothing can be seen, even if the next stop is a minute away. */
const BLOCK_LEAST_PX = 10;
const SPARE_LANES = 4;
const HOUR_MS = 3_600_000;

export class Board {
  readonly element = h("div", { class: "board", role: "group", "aria-label": t("Runs by time") });
  private runs: DraftRun[] = [];
  private startMs = 0;
  private endMs = 0;
  private selectedId: string | undefined;

  constructor(
    private readonly nameOf: (driverId: string) => string,
    private readonly move: (stop: DraftStop, toShiftId: string, toIndex: number) => void,
    private readonly choose: (stop: DraftStop | undefined) => void,
  ) {
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  show(runs: DraftRun[]): void {
    this.runs = runs;
    const starts = runs.map((run) => Date.parse(run.starts_at));
    const ends = runs.map((run) => Date.parse(run.ends_at));
    this.startMs = Math.floor(Math.min(...starts) / HOUR_MS) * HOUR_MS;
    this.endMs = Math.ceil(Math.max(...ends) / HOUR_MS) * HOUR_MS;
    this.draw();
  }

  select(stopId: string): void {
    this.selectedId = stopId;
    this.draw();
    this.blockOf(stopId)?.focus();
  }

  selected(): DraftStop | undefined {
    return this.runs.flatMap((run) => run.stops).find(({ id }) => id === this.selectedId);
  }

  private draw(): void {
    if (this.runs.length === 0) return this.element.replaceChildren();
    const focused = (document.activeElement as HTMLElement | null)?.dataset["stop"];
    const first = Math.max(0, Math.floor(this.element.scrollTop / LANE_PX) - SPARE_LANES);
    const seen = Math.ceil((this.element.clientHeight || 400) / LANE_PX) + 2 * SPARE_LANES;
    const last = Math.min(this.runs.length, first + seen);
    const above = h("div");
    const below = h("div");
    above.style.height = `${first * LANE_PX}px`;
    below.style.height = `${(this.runs.length - last) * LANE_PX}px`;
    this.element.replaceChildren(
      this.hours(), above, ...this.runs.slice(first, last).map((run) => this.lane(run)), below,
    );
    if (focused) this.blockOf(focused)?.focus({ preventScroll: true });
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
    const lane = h("div", { class: "lane", role: "group", "aria-label": `${name}, ${run.vehicle_label}` },
      h("span", { class: "who" }, name, h("small", {}, t("{vehicle} · {n} stops", { vehicle: run.vehicle_label, n: run.stops.length }))),
      ...run.stops.map((stop, index) => this.block(run, stop, index)));
    lane.style.width = `${this.xOf(this.endMs)}px`;
    lane.addEventListener("dragover", (event) => {
      event.preventDefault();
      lane.classList.add("target");
    });
    lane.addEventListener("dragleave", () => lane.classList.remove("target"));
    lane.addEventListener("drop", (event) => {
      event.preventDefault();
      const stop = this.runs.flatMap(({ stops }) => stops).find(({ id }) => id === event.dataTransfer?.getData("text/plain"));
      if (!stop) return;
      const atMs = this.startMs + ((event.clientX - lane.getBoundingClientRect().left - WHO_PX) / PX_PER_MIN) * 60_000;
      const others = run.stops.filter(({ id }) => id !== stop.id);
      this.move(stop, run.shift_id, others.filter((each) => Date.parse(each.start_at) < atMs).length);
    });
    return lane;
  }

  private block(run: DraftRun, stop: DraftStop, index: number): HTMLElement {
    const isSelected = stop.id === this.selectedId;
    const block = h("button", {
      type: "button", class: "block", draggable: "true", "data-stop": stop.id, "aria-pressed": String(isSelected),
      title: `${stop.address} · ${clockTime(stop.arrival_at)} – ${clockTime(stop.departure_at)}`,
      "aria-label": `${index + 1}: ${stop.address}, ${clockTime(stop.arrival_at)}${stop.locked ? `, ${t("locked")}` : ""}`,
      onclick: () => {
        this.selectedId = isSelected ? undefined : stop.id;
        this.draw();
        this.choose(this.selected());
      },
      ondragstart: (event: DragEvent) => event.dataTransfer?.setData("text/plain", stop.id),
    }, `${stop.locked ? "🔒" : ""}${index + 1} ${stop.address}`);
    const x = this.xOf(Date.parse(stop.arrival_at));
    block.style.insetInlineStart = `${x}px`;
    const next = run.stops[index + 1];
    const room = next ? this.xOf(Date.parse(next.arrival_at)) - x : Infinity;
    const wanted = Math.max(BLOCK_MIN_PX, this.xOf(Date.parse(stop.departure_at)) - x);
    block.style.width = `${Math.max(BLOCK_LEAST_PX, Math.min(wanted, room))}px`;
    block.style.borderInlineStartColor = colourOf(run.driver_id);
    return block;
  }

  private onKey(event: KeyboardEvent): void {
    const stop = this.selected();
    const at = this.runs.findIndex((run) => run.stops.some(({ id }) => id === stop?.id));
    const run = this.runs[at];
    if (!stop || !run) return;
    const index = run.stops.findIndex(({ id }) => id === stop.id);
    if (event.key === "ArrowLeft" && index > 0) this.move(stop, run.shift_id, index - 1);
    else if (event.key === "ArrowRight" && index < run.stops.length - 1) this.move(stop, run.shift_id, index + 1);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const other = this.runs[at + (event.key === "ArrowUp" ? -1 : 1)];
      if (!other) return;
      const earlier = other.stops.filter((each) => each.start_at < stop.start_at).length;
      this.move(stop, other.shift_id, earlier);
    } else return;
    event.preventDefault();
  }

  private blockOf(stopId: string): HTMLElement | null {
    return this.element.querySelector<HTMLElement>(`[data-stop="${stopId}"]`);
  }

  private xOf(ms: number): number {
    return WHO_PX + ((ms - this.startMs) / 60_000) * PX_PER_MIN;
  }
}
