/** A draft as board, map and table side by side; stops are moved by dragging or by keys. */

import { send } from "../api";
import { colourOf } from "../colours";
import { t } from "../language";
import { h, say, tell } from "../page";
import { plainTable } from "../parts/table";
import type { View } from "../rooms";
import { clockTime, count, kilometres, money } from "../values";
import { Board } from "./board";
import { publish } from "./plan";
import type { DraftStop, Driver, Plan } from "./plan_records";

interface Move {
  stop: DraftStop;
  shiftId: string;
  index: number;
}

export function showDraft(
  view: View,
  place: HTMLElement,
  first: Plan,
  drivers: Driver[],
  again: () => Promise<void>,
): void {
  let plan = first;
  let undo: Move | undefined;
  let isBusy = false;
  const names = new Map(drivers.map(({ id, name }) => [id, name]));
  const nameOf = (driverId: string): string => names.get(driverId) ?? t("a driver");
  const effect = h("p", { role: "status", class: "told" });
  const tableAt = h("div");
  const mapAt = h("div");
  const totals = h("p");
  const stale = h("p", { class: "notice", role: "status", hidden: true });
  const undoButton = h("button", { type: "button", disabled: true, onclick: () => undo && void move(undo) }, t("Undo the move"));
  const lockButton = h("button", { type: "button", disabled: true, onclick: () => void toggleLock() }, t("Lock or unlock"));
  const board = new Board(nameOf, (stop, shiftId, index) => void move({ stop, shiftId, index }), (stop) => {
    lockButton.disabled = stop === undefined;
    if (stop) say(effect, `${stop.address} · ${clockTime(stop.arrival_at)} · ${stop.visits.map((each) => each.waybill).join(", ")}`);
  });

  const take = (next: Plan): void => {
    plan = next;
    board.show(plan.runs);
    drawTable();
    drawMap(false);
    say(totals, t("{runs} runs · {stops} stops · {km} · cost {cost} · {n} left out", {
      runs: count(plan.runs.length), stops: count(stopsOf(plan).length), km: kilometres(sum(plan.runs.map((run) => run.distance_m))),
      cost: money(costOf(plan), ""), n: count(plan.unassigned.length),
    }));
    stale.hidden = plan.changes.length === 0;
    say(stale, t("Since this plan was made: {changes}. Make a new one, it keeps what is locked.", {
      changes: plan.changes.map((change) => change.what).join("; "),
    }));
  };
  const move = async (wanted: Move): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    const from = plan.runs.find((run) => run.stops.some(({ id }) => id === wanted.stop.id));
    const back = from && { stop: wanted.stop, shiftId: from.shift_id, index: from.stops.findIndex(({ id }) => id === wanted.stop.id) };
    const before = plan;
    try {
      take(await send<Plan>("POST", `/api/plans/${plan.id}/stops/${wanted.stop.id}/move`, {
        to_shift_id: wanted.shiftId, to_index: Math.max(0, wanted.index),
      }));
      undo = back;
      undoButton.disabled = undo === undefined;
      say(effect, effectOf(before, plan));
      board.select(wanted.stop.id);
    } catch (error) {
      say(effect, t("Not moved: {why}", { why: (error as Error).message }));
      board.show(plan.runs);
    } finally {
      isBusy = false;
    }
  };
  const toggleLock = async (): Promise<void> => {
    const stop = board.selected();
    if (!stop) return;
    try {
      take(await send<Plan>("PATCH", `/api/plans/${plan.id}/stops/${stop.id}`, { locked: !stop.locked }));
      board.select(stop.id);
      tell(stop.locked ? t("Unlocked") : t("Locked: it stays with its driver"));
    } catch (error) {
      tell((error as Error).message);
    }
  };
  const drawTable = (): void => {
    const rows = plan.runs.flatMap((run) => run.stops.map((stop, index) => ({ run, stop, index })));
    tableAt.replaceChildren(plainTable(t("Stops of the draft"), [
      { title: t("Driver"), text: ({ run }) => `${nameOf(run.driver_id)} · ${run.vehicle_label}` },
      { title: "#", kind: "number", text: ({ index }) => String(index + 1) },
      { title: t("Address"), text: ({ stop }) => `${stop.locked ? "🔒 " : ""}${stop.address}` },
      { title: t("Arrival"), text: ({ stop }) => clockTime(stop.arrival_at) },
      { title: t("Leaves"), text: ({ stop }) => clockTime(stop.departure_at) },
      { title: t("Leg"), kind: "number", text: ({ stop }) => kilometres(stop.leg_m) },
      { title: t("Waybills"), text: ({ stop }) => stop.visits.map((each) => each.waybill).join(", ") },
    ], rows));
  };
  let drawMap = (_fits: boolean): void => undefined;
  void import("../parts/point_map").then(({ PointMap }) => {
    if (view.signal.aborted) return;
    const map = new PointMap();
    view.signal.addEventListener("abort", () => map.close());
    mapAt.replaceChildren(map.element);
    drawMap = (fits) => map.show(
      plan.runs.flatMap((run) => run.stops.map((stop, index) => ({
        at: stop.position, label: String(index + 1), colour: colourOf(run.driver_id),
      }))),
      plan.runs.map((run) => ({ through: run.stops.map((stop) => stop.position), colour: colourOf(run.driver_id) })),
      fits,
    );
    drawMap(true);
  });
  const discard = (): unknown => send("POST", `/api/plans/${plan.id}/discard`).then(again, (error: Error) => tell(error.message));
  place.append(
    h("h2", {}, t("Draft")), totals, stale,
    h("p", { class: "buttons" },
      h("button", { type: "button", class: "main", onclick: () => void publish(plan, again) }, t("Publish")),
      undoButton, lockButton,
      h("button", { type: "button", class: "danger", onclick: discard }, t("Discard"))),
    effect, board.element,
    h("p", { class: "hint" }, t("Drag a stop, or choose it and press ← → to change its place, ↑ ↓ to give it to another driver, L to lock it.")),
    h("div", { class: "columns" }, mapAt, h("div", {}, plan.unassigned.length > 0
      ? plainTable(t("Left out"), [
          { title: t("Left out"), text: (each) => each.waybill },
          { title: t("Why"), text: (each) => each.sentence },
        ], plan.unassigned)
      : h("p", { class: "card" }, t("Nothing is left out.")))),
    tableAt,
  );
  board.element.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "l") void toggleLock();
  });
  take(plan);
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
const costOf = (plan: Plan): number => sum(plan.runs.map((run) => run.cost_minor));
const stopsOf = (plan: Plan): DraftStop[] => plan.runs.flatMap((run) => run.stops);

/** What a move has done: its cost, and whose arrival became much later. */
function effectOf(before: Plan, after: Plan): string {
  const LATER_MS = 5 * 60_000;
  const was = new Map(stopsOf(before).map((stop) => [stop.id, Date.parse(stop.arrival_at)]));
  const later = stopsOf(after).filter((stop) => Date.parse(stop.arrival_at) - (was.get(stop.id) ?? Infinity) > LATER_MS);
  const costMinor = costOf(after) - costOf(before);
  const cost = `${costMinor >= 0 ? "+" : "−"}${money(Math.abs(costMinor), "")}`;
  if (later.length === 0) return t("Moved: cost {cost}, nobody more than 5 minutes later", { cost });
  return t("Moved: cost {cost}; later: {stops}", {
    cost, stops: later.map((stop) => `${stop.address} ${clockTime(stop.arrival_at)}`).join(", "),
  });
}
