/** Planning a day: the pool, a plan being made, the draft side by side, publishing it, and the day. */

import { get, getAll, Refusal, send, type Page } from "../api";
import { clockIsKnown, dayOf, today } from "../clock";
import { t } from "../language";
import { h, keepFocus, tell } from "../page";
import { formDialog, makeField } from "../parts/form";
import { VirtualTable } from "../parts/table";
import { go, noteQuery } from "../router";
import { roomUrl, type View } from "../rooms";
import { translated } from "../server_words";
import { count, date, dateTime, kilograms, money, span, words } from "../values";
import { showCompare } from "./compare";
import { costOf, showDraft, stopsOf } from "./draft";
import type { Depot, Driver, Plan, PoolItem, Run, Shift, Vehicle } from "./plan_records";
import { runsTable, showRun } from "./run";

const LOOK_MS = 700;
const DEFAULT_BUDGET_S = 20;

export async function open(view: View): Promise<void> {
  const [part, id] = view.segments;
  if (part === "runs" && id) return showRun(view, id);
  const [depots] = await Promise.all([get<Depot[]>("/api/depots"), clockIsKnown()]);
  const depot = depots.find(({ id }) => id === view.query.get("depot")) ?? depots[0];
  if (depot === undefined) {
    view.place.append(h("p", { class: "empty" }, t("There is no depot yet."), " ", h("a", { href: roomUrl("people", "depots") }, t("Depots"))));
    return;
  }
  const day = view.query.get("day") ?? today(depot.timezone);
  const choice = h("form", { class: "filters", "aria-label": t("Which day") },
    makeField({ name: "depot", label: t("Depot"), kind: "select", value: depot.id, options: depots.map(({ id, name }) => [id, name]) }),
    makeField({ name: "day", label: t("Day"), kind: "date", value: day }));
  const place = h("section", { class: "page", "aria-label": t("Plan") });
  view.place.append(choice, place);
  choice.onchange = () => {
    for (const [name, value] of new FormData(choice)) view.query.set(name, String(value));
    noteQuery(view.query);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  await showDay(view, place, depot, day);
}

async function showDay(view: View, place: HTMLElement, depot: Depot, day: string): Promise<void> {
  const ask = { depot_id: depot.id, day };
  const [pool, plans, runs, drivers, near, vehicles] = await Promise.all([
    get<PoolItem[]>(`/api/depots/${depot.id}/pool`, { day }),
    get<Page<Plan>>("/api/plans", { ...ask, limit: 20 }),
    getAll<Run>("/api/runs", { ...ask, limit: 200 }),
    get<Driver[]>("/api/drivers", { depot_id: depot.id }),
    getAll<Shift>("/api/shifts", { ...ask, limit: 200 }),
    get<Vehicle[]>("/api/vehicles", { depot_id: depot.id }),
  ]);
  // A night's shift belongs to the day on which it begins; the planner sees it so too.
  const shifts = near.filter((shift) => dayOf(shift.starts_at, depot.timezone) === day);
  const nameOf = (driverId: string): string => drivers.find(({ id }) => id === driverId)?.name ?? t("a driver");
  if (view.signal.aborted) return;
  const again = async (): Promise<void> => {
    place.replaceChildren();
    await showDay(view, place, depot, day);
    keepFocus();
  };
  const current = plans.items.find(({ id, state }) => state === "draft" && id === view.query.get("plan")) ??
    plans.items.find(({ state }) => state === "draft" || state === "queued" || state === "solving");
  const stuck = pool.filter((item) => item.obstacle !== null);
  const newPlan = h("button", { type: "button", class: current ? "" : "main", onclick: () => requestPlan(ask, again) }, t("Make a plan"));
  place.append(
    h("p", { class: "buttons" }, newPlan, h("span", { class: "told" }, t("In the pool: {n}; not possible to plan: {m}", {
      n: count(pool.length), m: count(stuck.length),
    }))),
  );
  if (current?.state === "draft") {
    showDraft(view, place, current, { drivers, shifts, vehicles }, again);
  } else if (current) void follow(view, place, current, again);
  const failed = plans.items[0];
  if (failed?.state === "failed") place.append(h("p", { class: "notice", role: "alert" }, t("The last plan failed: {why}", { why: translated(failed.failure ?? "") })));
  place.append(h("h2", {}, t("Pool of {day}", { day: date(day) })), showPool(view, pool, again));
  if (runs.length > 0) place.append(h("h2", {}, t("Runs of the day")), runsTable(runs));
  const made = plans.items.filter((plan) => plan.runs.length > 0);
  if (made.length > 1) {
    const compared = h("div", { class: "page" });
    const compare = h("button", {
      type: "button", onclick: () => {
        compare.hidden = true;
        showCompare(compared, made, nameOf);
      },
    }, t("Compare two of them"));
    place.append(h("h2", {}, t("Plans")), h("p", { class: "buttons" }, compare), compared);
  } else if (plans.items.length > 0) place.append(h("h2", {}, t("Plans")));
  if (plans.items.length > 0) place.append(plansTable(plans.items, (plan) => {
    if (plan.state !== "draft") return;
    view.query.set("plan", plan.id);
    noteQuery(view.query);
    void again();
  }));
}

function plansTable(plans: Plan[], open: (plan: Plan) => void): HTMLElement {
  const table = new VirtualTable<Plan>({
    label: t("Plans"),
    keyOf: (plan) => plan.id,
    columns: [
      { title: t("Asked for"), text: (plan) => dateTime(plan.requested_at), by: (plan) => plan.requested_at },
      { title: t("State"), kind: "state", text: (plan) => words(plan.state) },
      { title: t("Runs"), kind: "number", text: (plan) => count(plan.runs.length), by: (plan) => plan.runs.length },
      { title: t("Stops"), kind: "number", text: (plan) => count(stopsOf(plan).length), by: (plan) => stopsOf(plan).length },
      { title: t("Cost"), kind: "number", text: (plan) => money(costOf(plan), ""), by: costOf },
      { title: t("Left out"), kind: "number", text: (plan) => count(plan.unassigned.length), by: (plan) => plan.unassigned.length },
    ],
    open,
  });
  table.set(plans);
  return table.element;
}

function requestPlan(ask: { depot_id: string; day: string }, again: () => Promise<void>): void {
  formDialog(t("Make a plan"), {
    fields: [{ name: "budget_s", label: t("Seconds to think"), kind: "number", value: DEFAULT_BUDGET_S, required: true, hint: t("More time, cheaper runs; it may be stopped at any moment.") }],
    button: t("Make a plan"),
    submit: async ({ budget_s: budget }) => {
      await send("POST", "/api/plans", { ...ask, budget_s: Number(budget) });
      await again();
    },
  });
}

/** Show how the cost falls while it is being made. */
async function follow(view: View, place: HTMLElement, plan: Plan, again: () => Promise<void>): Promise<void> {
  const told = h("p", { role: "status" });
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  curve.setAttribute("class", "curve");
  curve.setAttribute("role", "img");
  curve.setAttribute("aria-label", t("Cost while the plan is being made; the figures stand above"));
  curve.setAttribute("preserveAspectRatio", "none");
  curve.setAttribute("viewBox", "0 0 100 100");
  curve.append(line);
  const stop = h("button", { type: "button", onclick: () => void send("POST", `/api/plans/${plan.id}/cancel`).then(again, (error: Error) => tell(error.message)) }, t("Stop"));
  place.append(h("section", { class: "card" }, h("h3", {}, t("A plan is being made")), told, curve, h("p", { class: "buttons" }, stop)));
  const samples: { elapsed_s: number; cost_minor: number }[] = [];
  for (;;) {
    if (view.signal.aborted) return;
    const now = await get<Plan>(`/api/plans/${plan.id}`).catch((error: Error) => error);
    if (now instanceof Error) {
      told.textContent = now.message; // looked at again: the plan is made without this page too
      await pause();
      continue;
    }
    if (now.state !== "queued" && now.state !== "solving") return again();
    const { progress } = now;
    if (progress) {
      if (samples.at(-1)?.elapsed_s !== progress.elapsed_s) samples.push(progress);
      told.textContent = t("{s} of {all} s · cost {cost} · {n} left out", {
        s: Math.round(progress.elapsed_s), all: now.budget_s, cost: money(progress.cost_minor, ""), n: progress.unassigned,
      });
      const most = Math.max(...samples.map((each) => each.cost_minor), 1);
      line.setAttribute("points", samples.map((each) =>
        `${(100 * each.elapsed_s) / now.budget_s},${100 - (90 * each.cost_minor) / most}`).join(" "));
    } else told.textContent = t("It waits for its turn.");
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

/** What waits, as a table and on a map; the chosen may be put into runs of today at once. */
function showPool(view: View, pool: PoolItem[], again: () => Promise<void>): HTMLElement {
  if (pool.length === 0) return h("p", { class: "empty" }, t("The pool is empty: everything is on a run."));
  const bar = h("div", { class: "chosen-bar", role: "toolbar", "aria-label": t("For the chosen"), hidden: true });
  const drive = async (): Promise<void> => {
    const chosen = pool.filter((item) => table.chosen.has(item.task_id));
    let done = 0;
    for (const item of chosen) {
      try {
        const put = await send<{ vehicle_label: string }>("POST", `/api/consignments/${item.consignment_id}/urgent`);
        done += 1;
        table.tellResult(item.task_id, t("in the run of {vehicle}", { vehicle: put.vehicle_label }));
      } catch (error) {
        table.tellResult(item.task_id, (error as Error).message);
      }
    }
    table.clearChoice();
    tell(t("{done} of {all} done; each row says what became of it", { done, all: chosen.length }));
    if (done === chosen.length) await again();
    else keepFocus();
  };
  const table = new VirtualTable<PoolItem>({
    label: t("Pool"),
    keyOf: (item) => item.task_id,
    choose: (keys) => {
      bar.hidden = keys.size === 0;
      bar.replaceChildren(
        h("strong", {}, t("{n} chosen", { n: keys.size })),
        h("button", { type: "button", onclick: () => void drive() }, t("Put into the runs of today")),
        h("button", { type: "button", onclick: () => table.clearChoice() }, t("Choose none")),
      );
    },
    columns: [
      { title: t("Waybill"), text: (item) => item.waybill },
      { title: t("Kind"), text: (item) => words(item.kind) },
      { title: t("Address"), text: (item) => item.address },
      { title: t("Window"), text: (item) => span(item.window_start_at, item.window_end_at), by: (item) => item.window_start_at ?? "" },
      { title: t("Attempt"), kind: "number", text: (item) => count(item.attempt), by: (item) => item.attempt },
      { title: t("Parcels"), kind: "number", text: (item) => count(item.parcels), by: (item) => item.parcels },
      { title: t("Weight"), kind: "number", text: (item) => kilograms(item.weight_g), by: (item) => item.weight_g },
      { title: t("In the way"), text: (item) => (item.sentence ? translated(item.sentence) : "") },
    ],
    open: (item) => go(roomUrl("orders", "consignments", item.consignment_id)),
  });
  table.set(pool);
  const mapAt = h("div");
  void import("../parts/point_map").then(({ PointMap }) => {
    if (view.signal.aborted) return;
    const map = new PointMap();
    view.signal.addEventListener("abort", () => map.close());
    map.offerLasso((ids) => table.choose(ids));
    mapAt.replaceChildren(map.element);
    map.show(pool.flatMap((item) => (item.position
      ? [{ at: item.position, id: item.task_id, colour: item.obstacle ? "#b3261e" : "#1668c7" }]
      : [])));
  });
  return h("div", { class: "columns wide-first" }, h("div", { class: "page" }, bar, table.element), mapAt);
}

/** Publishing says what has changed when the draft is stale, and offers to plan again. */
export async function publish(plan: Plan, again: () => Promise<void>): Promise<void> {
  try {
    await send("POST", `/api/plans/${plan.id}/publish`);
    tell(t("Published: the drivers have their runs."));
    await again();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 409) return tell((error as Error).message);
    formDialog(t("The day has changed since this plan was made"), {
      note: error.message,
      fields: [],
      button: t("Plan again, keeping what is locked"),
      submit: async () => {
        const { depot_id, day, budget_s } = plan;
        await send("POST", "/api/plans", { depot_id, day, budget_s, keep_locks_of: plan.id });
        await again();
      },
    });
  }
}
