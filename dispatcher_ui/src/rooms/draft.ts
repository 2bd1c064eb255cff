/** A draft as board, map and table side by side. Stops are moved by dragging or by keys, one or
 * many; what a move would do is told before it is made. */

import { get, send } from "../api";
import { colourOf } from "../colours";
import { t } from "../language";
import { h, keepFocus, say, tell } from "../page";
import { plainTable, VirtualTable } from "../parts/table";
import { showPresence } from "../parts/presence";
import type { View } from "../rooms";
import { translated } from "../server_words";
import { clockTime, count, kilometres, money, signedMoney } from "../values";
import { Board, type Aim } from "./board";
import { publish } from "./plan";
import type { DraftRun, DraftStop, Driver, MoveEffect, Plan, Shift, Vehicle } from "./plan_records";

/** So many are named that become later; a sentence that is longer hides what it says. */
const TOLD_STOPS = 4;

interface Placed {
  run: DraftRun;
  stop: DraftStop;
  index: number;
}

/** The people and vehicles of the day, by id. */
export interface Crew {
  drivers: Driver[];
  shifts: Shift[];
  vehicles: Vehicle[];
}

export function showDraft(
  view: View,
  place: HTMLElement,
  first: Plan,
  crew: Crew,
  again: () => Promise<void>,
): void {
  let plan = first;
  let undo: Aim | undefined;
  let isBusy = false;
  let effects = new Map<string, Promise<MoveEffect[]>>();
  const names = new Map(crew.drivers.map(({ id, name }) => [id, name]));
  const nameOf = (driverId: string): string => names.get(driverId) ?? t("a driver");
  const effect = h("p", { role: "status", class: "told effect" });
  const mapAt = h("div");
  const totals = h("p");
  const stale = h("p", { class: "notice", role: "status", hidden: true });
  const undoButton = h("button", { type: "button", disabled: true, onclick: () => undo && void move(undo) }, t("Undo the move"));
  const lockButton = h("button", { type: "button", disabled: true, onclick: () => void toggleLock() }, t("Lock or unlock"));

  /** What a stop would do at every place of a run; asked once for each state of the draft. */
  const effectsOf = (stopId: string, shiftId: string): Promise<MoveEffect[]> => {
    const key = `${stopId} ${shiftId}`;
    const asked = effects.get(key) ??
      get<MoveEffect[]>(`/api/plans/${plan.id}/stops/${stopId}/effects`, { shift_id: shiftId });
    effects.set(key, asked);
    return asked;
  };
  let aimedAt: Aim | undefined;
  const showAim = async (aim: Aim | undefined): Promise<void> => {
    aimedAt = aim;
    effect.dataset["kind"] = "";
    if (!aim) return say(effect, "");
    const told = await effectsOf(aim.stop.id, aim.shiftId).catch((error: Error) => error);
    if (aimedAt !== aim) return;
    const found = told instanceof Error ? undefined : told.find((each) => each.to_index === aim.index);
    const why = told instanceof Error ? told.message : found?.refusal;
    effect.dataset["kind"] = why ? "bad" : found?.later.length ? "late" : "well";
    say(effect, why ? t("Not possible there: {why}", { why: translated(why) }) : found ? wouldDo(found) : "");
  };
  const board = new Board(nameOf, (aim) => void move(aim), (stop) => {
    lockButton.disabled = stop === undefined;
    if (stop) say(effect, `${stop.address} · ${clockTime(stop.arrival_at)} · ${stop.visits.map((each) => each.waybill).join(", ")}`);
  }, (aim) => void showAim(aim));

  const take = (next: Plan): void => {
    plan = next;
    effects = new Map();
    board.show([...plan.runs, ...idle(plan, crew)]);
    table.set(placedOf(plan));
    drawMap(false);
    say(totals, t("{runs} runs · {stops} stops · {km} · cost {cost} · {n} left out", {
      runs: count(plan.runs.length), stops: count(stopsOf(plan).length), km: kilometres(sum(plan.runs.map((run) => run.distance_m))),
      cost: money(costOf(plan), ""), n: count(plan.unassigned.length),
    }));
    stale.hidden = plan.changes.length === 0;
    say(stale, t("Since this plan was made: {changes}. Make a new one, it keeps what is locked.", {
      changes: plan.changes.map((change) => translated(change.what)).join("; "),
    }));
  };
  const move = async (wanted: Aim): Promise<void> => {
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
      board.select(wanted.stop.id);
      say(effect, effectOf(before, plan));
    } catch (error) {
      board.show([...plan.runs, ...idle(plan, crew)]);
      effect.dataset["kind"] = "bad";
      say(effect, t("Not moved: {why}", { why: (error as Error).message }));
    } finally {
      isBusy = false;
    }
  };
  const lock = async (stopId: string, locked: boolean): Promise<void> =>
    take(await send<Plan>("PATCH", `/api/plans/${plan.id}/stops/${stopId}`, { locked }));
  const toggleLock = async (): Promise<void> => {
    const stop = board.selected();
    if (!stop) return;
    try {
      await lock(stop.id, !stop.locked);
      board.select(stop.id);
      tell(stop.locked ? t("Unlocked") : t("Locked: it stays with its driver"));
    } catch (error) {
      tell((error as Error).message);
    }
  };

  /** Do it for every chosen stop, one after the other; each row says what became of it. */
  const forChosen = async (act: (stop: DraftStop) => Promise<void>): Promise<void> => {
    let done = 0;
    const chosen = [...table.chosen];
    for (const id of chosen) {
      const stop = stopsOf(plan).find((each) => each.id === id);
      try {
        if (stop) await act(stop);
        done += 1;
        table.tellResult(id, t("done"));
      } catch (error) {
        table.tellResult(id, (error as Error).message);
      }
    }
    table.clearChoice();
    keepFocus();
    tell(t("{done} of {all} done; each row says what became of it", { done, all: chosen.length }));
  };
  /** To where it costs least in that run. */
  const give = async (stop: DraftStop, shiftId: string): Promise<void> => {
    const possible = (await effectsOf(stop.id, shiftId)).filter((each) => each.refusal === null);
    const [best] = possible.sort((a, b) => a.added_cost_minor - b.added_cost_minor);
    if (!best) throw new Error(translated((await effectsOf(stop.id, shiftId))[0]?.refusal ?? "Not possible there"));
    take(await send<Plan>("POST", `/api/plans/${plan.id}/stops/${stop.id}/move`, {
      to_shift_id: shiftId, to_index: best.to_index,
    }));
  };
  const bar = h("div", { class: "chosen-bar", role: "toolbar", "aria-label": t("For the chosen"), hidden: true });
  const drawBar = (chosen: number): void => {
    bar.hidden = chosen === 0;
    const lanes = [...plan.runs, ...idle(plan, crew)];
    const receiver = h("select", { "aria-label": t("Give to") }, ...lanes.map((run) =>
      h("option", { value: run.shift_id }, `${nameOf(run.driver_id)} · ${run.vehicle_label}`)));
    bar.replaceChildren(
      h("strong", {}, t("{n} chosen", { n: chosen })), receiver,
      h("button", { type: "button", onclick: () => void forChosen((stop) => give(stop, receiver.value)) }, t("Give to this driver")),
      h("button", { type: "button", onclick: () => void forChosen((stop) => lock(stop.id, true)) }, t("Lock")),
      h("button", { type: "button", onclick: () => void forChosen((stop) => lock(stop.id, false)) }, t("Unlock")),
      h("button", { type: "button", onclick: () => table.clearChoice() }, t("Choose none")),
    );
  };
  const table = new VirtualTable<Placed>({
    label: t("Stops of the draft"),
    keyOf: ({ stop }) => stop.id,
    choose: (keys) => drawBar(keys.size),
    columns: [
      { title: t("Driver"), text: ({ run }) => `${nameOf(run.driver_id)} · ${run.vehicle_label}` },
      { title: "#", kind: "number", text: ({ index }) => String(index + 1), by: ({ index }) => index },
      { title: t("Address"), text: ({ stop }) => `${stop.locked ? "🔒 " : ""}${stop.address}` },
      { title: t("Arrival"), text: ({ stop }) => clockTime(stop.arrival_at), by: ({ stop }) => stop.arrival_at },
      { title: t("Leaves"), text: ({ stop }) => clockTime(stop.departure_at), by: ({ stop }) => stop.departure_at },
      { title: t("Leg"), kind: "number", text: ({ stop }) => kilometres(stop.leg_m), by: ({ stop }) => stop.leg_m },
      { title: t("Waybills"), text: ({ stop }) => stop.visits.map((each) => each.waybill).join(", ") },
    ],
  });
  let drawMap = (_fits: boolean): void => undefined;
  void import("../parts/point_map").then(({ PointMap }) => {
    if (view.signal.aborted) return;
    const map = new PointMap();
    view.signal.addEventListener("abort", () => map.close());
    map.offerLasso((ids) => table.choose(ids));
    mapAt.replaceChildren(map.element);
    drawMap = (fits) => map.show(
      placedOf(plan).map(({ run, stop, index }) => ({
        at: stop.position, label: String(index + 1), colour: colourOf(run.driver_id), id: stop.id,
      })),
      plan.runs.map((run) => ({ through: run.stops.map((stop) => stop.position), colour: colourOf(run.driver_id) })),
      fits,
    );
    drawMap(true);
  });
  const discard = (): unknown => send("POST", `/api/plans/${plan.id}/discard`).then(again, (error: Error) => tell(error.message));
  place.append(
    h("h2", {}, t("Draft")), showPresence(view, "plan", plan.id), totals, stale,
    h("p", { class: "buttons" },
      h("button", { type: "button", class: "main", onclick: () => void publish(plan, again) }, t("Publish")),
      undoButton, lockButton,
      h("button", { type: "button", class: "danger", onclick: discard }, t("Discard"))),
    h("div", { class: "aside-of-board" }, effect,
      h("p", { class: "hint" }, t("Drag a stop, or choose it: ← → and ↑ ↓ aim and tell what it would do, Enter drops it, Escape gives up, L locks it."))),
    board.element,
    h("div", { class: "columns" }, mapAt, h("div", {}, plan.unassigned.length > 0
      ? plainTable(t("Left out"), [
          { title: t("Left out"), text: (each) => each.waybill },
          { title: t("Why"), text: (each) => translated(each.sentence) },
        ], plan.unassigned)
      : h("p", { class: "card" }, t("Nothing is left out.")))),
    bar, table.element,
  );
  board.element.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "l") void toggleLock();
  });
  take(plan);
}

/** A lane without stops for every shift that the plan does not use. */
function idle(plan: Plan, { shifts, vehicles }: Crew): DraftRun[] {
  const used = new Set(plan.runs.map((run) => run.shift_id));
  return shifts
    .filter((shift) => !used.has(shift.id) && !shift.ended_at && !shift.broken_down_at)
    .map((shift) => ({
      run_id: "", shift_id: shift.id, driver_id: shift.driver_id,
      vehicle_label: vehicles.find(({ id }) => id === shift.vehicle_id)?.label ?? "",
      starts_at: shift.starts_at, ends_at: shift.ends_at, distance_m: 0, duration_s: 0, cost_minor: 0, stops: [],
    }));
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
export const costOf = (plan: Plan): number => sum(plan.runs.map((run) => run.cost_minor));
export const stopsOf = (plan: Plan): DraftStop[] => plan.runs.flatMap((run) => run.stops);
const placedOf = (plan: Plan): Placed[] =>
  plan.runs.flatMap((run) => run.stops.map((stop, index) => ({ run, stop, index })));

function wouldDo(effect: MoveEffect): string {
  const values = { cost: signedMoney(effect.added_cost_minor), km: kilometres(effect.added_distance_m) };
  if (effect.later.length === 0) return t("It would cost {cost}, {km} more; nobody more than 5 minutes later", values);
  return t("It would cost {cost}, {km} more; later: {stops}", { ...values, stops: latest(effect.later) });
}

/** What a move has done: its cost, and whose arrival became much later. */
function effectOf(before: Plan, after: Plan): string {
  const LATER_MS = 5 * 60_000;
  const was = new Map(stopsOf(before).map((stop) => [stop.id, Date.parse(stop.arrival_at)]));
  const later = stopsOf(after).filter((stop) => Date.parse(stop.arrival_at) - (was.get(stop.id) ?? Infinity) > LATER_MS);
  const cost = signedMoney(costOf(after) - costOf(before));
  if (later.length === 0) return t("Moved: cost {cost}, nobody more than 5 minutes later", { cost });
  return t("Moved: cost {cost}; later: {stops}", { cost, stops: latest(later) });
}

/** The first of them, and how many more. */
function latest(stops: { address: string; arrival_at: string }[]): string {
  const told = stops.slice(0, TOLD_STOPS).map((stop) => `${stop.address} ${clockTime(stop.arrival_at)}`);
  const more = stops.length - told.length;
  return [...told, ...(more > 0 ? [t("{n} more", { n: count(more) })] : [])].join(", ");
}
