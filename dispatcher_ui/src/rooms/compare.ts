/** Two plans of one day side by side: what each costs, and which stops change drivers. */

import { t, tn } from "../language";
import { h } from "../page";
import { makeField } from "../parts/form";
import { plainTable } from "../parts/table";
import { clockTime, count, dateTime, duration, kilometres, money, signedMoney } from "../values";
import { costOf, stopsOf } from "./draft";
import type { DraftStop, Plan } from "./plan_records";

interface Figure {
  title: string;
  of: (plan: Plan) => number;
  text: (value: number) => string;
}

/** plans: at least two that have runs, newest first. */
export function showCompare(place: HTMLElement, plans: Plan[], nameOf: (driverId: string) => string): void {
  const options = plans.map((plan): [string, string] => [plan.id, titleOf(plan)]);
  const [first, second] = plans;
  const choice = h("form", { class: "filters", "aria-label": t("Which plans") },
    makeField({ name: "a", label: t("Plan A"), kind: "select", options, value: second?.id ?? "" }),
    makeField({ name: "b", label: t("Plan B"), kind: "select", options, value: first?.id ?? "" }));
  const shown = h("div", { class: "page" });
  const draw = (): void => {
    const chosen = new FormData(choice);
    const [a, b] = ["a", "b"].map((name) => plans.find(({ id }) => id === chosen.get(name)));
    if (a && b) shown.replaceChildren(figuresOf(a, b), changesOf(a, b, nameOf));
  };
  choice.onchange = draw;
  place.append(choice, shown);
  draw();
}

export const titleOf = (plan: Plan): string =>
  t("{time}, {s} s, cost {cost}", { time: dateTime(plan.requested_at), s: plan.budget_s, cost: money(costOf(plan), "") });

function figuresOf(a: Plan, b: Plan): HTMLElement {
  const sum = (plan: Plan, of: (run: Plan["runs"][number]) => number): number =>
    plan.runs.reduce((total, run) => total + of(run), 0);
  const figures: Figure[] = [
    { title: t("Cost"), of: costOf, text: (value) => money(value, "") },
    { title: t("Distance"), of: (plan) => sum(plan, (run) => run.distance_m), text: kilometres },
    { title: t("Time on the road"), of: (plan) => sum(plan, (run) => run.duration_s), text: duration },
    { title: t("Runs"), of: (plan) => plan.runs.length, text: count },
    { title: t("Stops"), of: (plan) => stopsOf(plan).length, text: count },
    { title: t("Left out"), of: (plan) => plan.unassigned.length, text: count },
  ];
  return plainTable(t("Figures of both plans"), [
    { title: t("Figure"), text: (each) => each.title },
    { title: "A", kind: "number", text: (each) => each.text(each.of(a)) },
    { title: "B", kind: "number", text: (each) => each.text(each.of(b)) },
    { title: t("B against A"), kind: "number", text: (each) => differenceOf(each, each.of(b) - each.of(a)) },
  ], figures);
}

function differenceOf(figure: Figure, by: number): string {
  if (by === 0) return "=";
  if (figure.of === costOf) return signedMoney(by);
  return `${by < 0 ? "−" : "+"}${figure.text(Math.abs(by))}`;
}

function changesOf(a: Plan, b: Plan, nameOf: (driverId: string) => string): HTMLElement {
  const [inA, inB] = [placesOf(a), placesOf(b)];
  const waybills = [...new Set([...inA.keys(), ...inB.keys()])].sort();
  const rows = waybills
    .map((waybill) => ({ waybill, a: inA.get(waybill), b: inB.get(waybill) }))
    .filter((row) => row.a?.driverId !== row.b?.driverId);
  const who = (at: Spot | undefined): string =>
    at ? `${nameOf(at.driverId)} ${clockTime(at.stop.arrival_at)}` : t("left out");
  if (rows.length === 0) return h("p", { class: "card" }, t("Both give every stop to the same driver."));
  return h("div", { class: "page" },
    h("p", {}, tn(rows.length, "{n} consignment changes drivers", "{n} consignments change drivers", { n: count(rows.length) })),
    plainTable(t("What changes drivers"), [
      { title: t("Waybill"), text: (row) => row.waybill },
      { title: t("Address"), text: (row) => (row.a ?? row.b)?.stop.address ?? "" },
      { title: "A", text: (row) => who(row.a) },
      { title: "B", text: (row) => who(row.b) },
    ], rows));
}

interface Spot {
  driverId: string;
  stop: DraftStop;
}

function placesOf(plan: Plan): Map<string, Spot> {
  return new Map(plan.runs.flatMap((run) => run.stops.flatMap((stop) =>
    stop.visits.map((visit): [string, Spot] => [visit.waybill, { driverId: run.driver_id, stop }]))));
}
