/** A run that a driver has: its stops go to others, it is handed over or swapped, and every change
 * says beforehand what it would do. */

import { get, getAll, Refusal, send } from "../api";
import { colourOf } from "../colours";
import { t, tn } from "../language";
import { h, say, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog, makeField } from "../parts/form";
import { PointMap } from "../parts/point_map";
import { showPresence } from "../parts/presence";
import { VirtualTable } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { clockTime, date, kilometres, signedMoney, words } from "../values";
import { Ways } from "../ways";
import type { Driver, Run, RunChange, RunStop, Shift, Vehicle } from "./plan_records";

const LOOK_MS = 5_000;
const NOT_OPEN = ["completed", "failed", "cancelled"];

export async function showRun(view: View, id: string): Promise<void> {
  let run = await get<Run>(`/api/runs/${id}`);
  const heading = h("h2");
  const told = h("p", { class: "told", role: "status" });
  const bar = h("p", { class: "buttons" });
  const map = new PointMap();
  view.signal.addEventListener("abort", () => map.close());
  const ways = new Ways(() => {
    if (!view.signal.aborted) draw(false);
  });
  map.offerLasso((ids) => table.choose(ids.filter((each) => run.stops.some((stop) => stop.id === each && isOpen(stop)))));
  const table = new VirtualTable<RunStop>({
    label: t("Stops of the run"),
    keyOf: (stop) => stop.id,
    choose: () => drawBar(),
    columns: [
      { title: "#", kind: "number", text: (stop) => String(stop.sequence + 1), by: (stop) => stop.sequence },
      { title: t("Address"), text: (stop) => `${stop.locked ? "🔒 " : ""}${stop.address}` },
      { title: t("Planned"), text: (stop) => clockTime(stop.planned_arrival_at), by: (stop) => stop.planned_arrival_at },
      { title: t("Until"), text: (stop) => clockTime(untilOf(stop)), by: (stop) => untilOf(stop) ?? "" },
      { title: t("State"), kind: "state", text: (stop) => words(stop.state) },
      { title: t("Tasks"), text: (stop) => stop.tasks.map((task) => `${words(task.kind)}: ${words(task.state)}`).join(", ") },
    ],
  });
  const draw = (fits: boolean): void => {
    heading.replaceChildren(t("Run of {name}", { name: run.driver_name }), " ", h("span", { class: "pill" }, words(run.state)));
    const done = run.stops.filter((stop) => stop.state === "done").length;
    say(told, `${date(run.day)} · ${clockTime(run.starts_at)} – ${clockTime(run.ends_at)} · ${t("{done} of {total} stops", { done, total: run.stops.length })} · ${kilometres(run.distance_m)}`);
    table.set(run.stops);
    const colour = colourOf(run.driver_id);
    map.show(
      run.stops.flatMap((stop) => (stop.position ? [{ at: stop.position, label: String(stop.sequence + 1), colour, id: stop.id }] : [])),
      [{ through: ways.lineOf(run), colour }],
      fits,
    );
    drawBar();
  };
  const refresh = async (): Promise<void> => {
    const now = await get<Run>(`/api/runs/${id}`);
    if (view.signal.aborted || JSON.stringify(now) === JSON.stringify(run)) return;
    run = now;
    const left = new Set(run.stops.filter(isOpen).map((stop) => stop.id));
    const kept = [...table.chosen].filter((each) => left.has(each));
    draw(false);
    if (kept.length !== table.chosen.size) table.choose(kept);
  };
  const drawBar = (): void => {
    const open = run.stops.filter(isOpen);
    const chosen = [...table.chosen];
    const isOver = run.state === "closed" || open.length === 0;
    bar.replaceChildren(
      button(t("Give the chosen stops to …"), chosen.length === 0, () => void give(chosen)),
      button(t("Hand the run over …"), isOver, () => void give([])),
      button(t("Swap with …"), isOver, () => void swap()),
      h("a", { href: roomUrl("warehouse", "load", run.id) }, t("Load check")),
      button(t("Breakdown"), run.state === "closed", () => reportBreakdown(run, refresh)),
    );
  };
  const give = async (stopIds: string[]): Promise<void> => {
    const [shifts, drivers, vehicles] = await Promise.all([
      getAll<Shift>("/api/shifts", { depot_id: run.depot_id, day: run.day, limit: 200 }),
      get<Driver[]>("/api/drivers", { depot_id: run.depot_id }),
      get<Vehicle[]>("/api/vehicles", { depot_id: run.depot_id }),
    ]);
    const options = shifts
      .filter((shift) => shift.id !== run.shift_id && !shift.ended_at && !shift.broken_down_at)
      .map((shift): [string, string] => [shift.id, [
        drivers.find((each) => each.id === shift.driver_id)?.name,
        vehicles.find((each) => each.id === shift.vehicle_id)?.label,
      ].filter(Boolean).join(" · ")]);
    const title = stopIds.length > 0 ? t("Give the chosen stops to") : t("Hand the run over to");
    change(title, t("Driver"), options, (to, manner) =>
      send<RunChange>("POST", `/api/runs/${id}/moves`, { stop_ids: stopIds, to_shift_id: to, ...manner }),
    (done) => {
      const taker = done.runs.find((each) => each.shift_id !== run.shift_id);
      return send("POST", `/api/runs/${taker?.run_id}/moves`, {
        stop_ids: taker?.stop_ids ?? [], to_shift_id: run.shift_id, accept_late: true,
      });
    });
  };
  const swap = async (): Promise<void> => {
    const all = await getAll<Run>("/api/runs", { depot_id: run.depot_id, day: run.day, limit: 200 });
    const options = all
      .filter((each) => each.id !== id && each.state !== "closed")
      .map((each): [string, string] => [each.id, tn(each.stops.filter(isOpen).length, "{name}, {n} stop left", "{name}, {n} stops left", { name: each.driver_name })]);
    const body = (to: string): object => ({ with_run_id: to });
    change(t("Swap what is left with"), t("Run"), options,
      (to, manner) => send<RunChange>("POST", `/api/runs/${id}/swap`, { ...body(to), ...manner }),
      (done) => send("POST", `/api/runs/${id}/swap`, {
        ...body(done.runs.find((each) => each.run_id !== id)?.run_id ?? ""), accept_late: true,
      }));
  };
  /** Ask with whom; say what it would do; do it; offer to take it back. */
  const change = (
    title: string,
    label: string,
    options: [string, string][],
    ask: (to: string, manner: { only_look?: boolean; accept_late?: boolean }) => Promise<RunChange>,
    undo: (done: RunChange) => Promise<unknown>,
  ): void => {
    if (options.length === 0) return tell(t("Nobody else works on that day."));
    const effect = h("p", { role: "status", class: "effect" });
    const act = h("button", { type: "submit", class: "main", disabled: true }, t("Do it"));
    let asked = 0;
    let isLate = false;
    const chosen = (): string => String(new FormData(form).get("to"));
    const look = async (): Promise<void> => {
      const number = ++asked;
      act.disabled = true;
      effect.dataset["kind"] = "";
      say(effect, t("Looking what it would do …"));
      try {
        const found = await ask(chosen(), { only_look: true });
        if (number !== asked) return;
        isLate = found.late.length > 0;
        effect.dataset["kind"] = isLate ? "late" : "well";
        say(effect, effectOf(found));
        say(act, isLate ? t("Do it all the same") : t("Do it"));
        act.disabled = false;
      } catch (error) {
        if (number !== asked) return;
        effect.dataset["kind"] = "bad";
        say(effect, (error as Error).message);
      }
    };
    const form = h("form", { class: "form", onchange: () => void look() },
      makeField({ name: "to", label, kind: "select", options }), effect, h("p", { class: "buttons" }, act));
    const dialog = openDialog(title, form);
    form.onsubmit = async (event) => {
      event.preventDefault();
      act.disabled = true;
      try {
        const done = await ask(chosen(), { accept_late: isLate });
        dialog.close();
        table.clearChoice();
        tell(effectOf(done), {
          label: t("Undo"),
          act: () => void undo(done).then(() => refresh(), (error: Error) => tell(error.message)),
        });
        await refresh();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        await refresh(); // somebody else was faster: look at it as it is now
        await look();
      }
    };
    void look();
  };

  view.place.append(
    h("p", {}, h("a", { href: `${roomUrl("plan")}?day=${run.day}&depot=${run.depot_id}` }, t("← The day"))),
    heading, showPresence(view, "run", id), told, bar,
    h("div", { class: "columns table-first" }, table.element, map.element),
  );
  draw(true);
  const timer = setInterval(() => void refresh().catch(() => undefined), LOOK_MS); // tried again
  view.signal.addEventListener("abort", () => clearInterval(timer));
}

function effectOf({ runs, late, is_done: isDone }: RunChange): string {
  const values = {
    cost: signedMoney(runs.reduce((total, run) => total + run.added_cost_minor, 0)),
    km: kilometres(runs.reduce((total, run) => total + run.added_distance_m, 0)),
    runs: runs.map((run) => tn(run.stops, "{vehicle} {n} stop", "{vehicle} {n} stops", { vehicle: run.vehicle_label })).join(", "),
  };
  const told = isDone ? t("Done: cost {cost}, {km} more; {runs}", values) : t("It would cost {cost}, {km} more; {runs}", values);
  if (late.length === 0) return t("{told}; every promise is kept", { told });
  return t("{told}; late: {late}", {
    told,
    late: late.map((each) => `${each.waybill} ${clockTime(each.planned_start_at)} (${t("until {time}", { time: clockTime(each.promised_until) })})`).join(", "),
  });
}

export function reportBreakdown(run: Run, done: () => Promise<void>): void {
  formDialog(t("{name}'s vehicle broke down", { name: run.driver_name }), {
    note: t("What is left is given to other runs where it fits; the rest goes back to the pool."),
    fields: [],
    button: t("Give the rest to others"),
    submit: async () => {
      const { moved, unassigned } = await send<{ moved: { late: boolean }[]; unassigned: unknown[] }>("POST", `/api/runs/${run.id}/breakdown`, {});
      tell(t("{moved} moved, {left} back in the pool, {late} become late", {
        moved: moved.length, left: unassigned.length, late: moved.filter((each) => each.late).length,
      }));
      await done();
    },
  });
}

/** All runs of a day, each a way to its page. */
export function runsTable(runs: Run[]): HTMLElement {
  const table = new VirtualTable<Run>({
    label: t("Runs of the day"),
    keyOf: (run) => run.id,
    sorted: { title: t("Driver"), descending: false },
    columns: [
      { title: t("Driver"), text: (run) => run.driver_name },
      { title: t("State"), kind: "state", text: (run) => words(run.state) },
      { title: t("Begins"), text: (run) => clockTime(run.starts_at), by: (run) => run.starts_at },
      { title: t("Ends"), text: (run) => clockTime(run.ends_at), by: (run) => run.ends_at },
      { title: t("Stops done"), kind: "number", text: (run) => `${run.stops.filter((stop) => stop.state === "done").length} / ${run.stops.length}`, by: (run) => run.stops.length },
      { title: t("Distance"), kind: "number", text: (run) => kilometres(run.distance_m), by: (run) => run.distance_m },
    ],
    open: (run) => go(roomUrl("plan", "runs", run.id)),
  });
  table.set(runs);
  return table.element;
}

const isOpen = (stop: RunStop): boolean =>
  stop.state === "waiting" && stop.tasks.some((task) => !NOT_OPEN.includes(task.state));

const untilOf = (stop: RunStop): string | null =>
  stop.tasks.flatMap((task) => task.window_end_at ?? []).sort()[0] ?? null;

const button = (label: string, disabled: boolean, onclick: () => void): HTMLElement =>
  h("button", { type: "button", disabled, onclick }, label);
