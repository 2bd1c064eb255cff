/** What a period brought, as figures, bars and CSV. */

import { get } from "../api";
import { clockIsKnown, today } from "../clock";
import { t } from "../language";
import { h } from "../page";
import { makeField, valuesOf } from "../parts/form";
import { plainTable } from "../parts/table";
import { noteQuery } from "../router";
import type { View } from "../rooms";
import { translated } from "../server_words";
import { count, date, duration, money, percent, words } from "../values";

interface DayReport {
  orders: number;
  orders_by_state: Record<string, number>;
  consignments: number;
  delivered: number;
  failed: number;
  returned: number;
  open: number;
  unassigned: { waybill: string; code: string; sentence: string }[];
  on_time_share: number | null;
  planned_km: number;
  driven_km: number;
  proofs: number;
  returns: number;
  exceptions: Record<string, number>;
}

/** Of the windows that were told `lead_s` before a driver came; see GET /api/reports/arrivals. */
interface ForecastQuality {
  lead_s: number;
  arrivals: number;
  held_share: number;
  early_share: number;
  late_share: number;
  width_s: number;
}

interface Trade {
  skus: number; allocated: number; picked: number; returns_restocked: number; stock_consistent: boolean;
  invoiced_minor: Record<string, number>; credited_minor: Record<string, number>; journal_balanced: boolean;
}

const DAY_MS = 24 * 3_600_000;

export async function open(view: View): Promise<void> {
  await clockIsKnown();
  const choice = h("form", { class: "filters", "aria-label": t("Period") },
    makeField({ name: "from", label: t("From"), kind: "date", value: view.query.get("from") ?? today() }),
    makeField({ name: "to", label: t("Until and including"), kind: "date", value: view.query.get("to") ?? today() }));
  const place = h("section", { class: "page", "aria-live": "polite", "aria-label": t("Figures") });
  view.place.append(h("div", { class: "tools" }, choice,
    h("button", { type: "button", onclick: () => print() }, t("Print"))), place);
  const load = async (): Promise<void> => {
    const { from, to } = valuesOf(choice);
    if (!from || !to) return; // while a date is being typed
    const since = new Date(`${from}T00:00:00`);
    const until = new Date(new Date(`${to}T00:00:00`).getTime() + DAY_MS);
    try {
      const period = { since: since.toISOString(), until: until.toISOString() };
      const [report, forecasts, trade] = await Promise.all([
        get<DayReport>("/api/reports/day", period),
        get<ForecastQuality[]>("/api/reports/arrivals", period),
        get<Trade>("/api/reports/trade", period),
      ]);
      if (!view.signal.aborted) place.replaceChildren(
        h("h2", { class: "on-paper" }, `${date(from)} – ${date(to)}`), ...figuresOf(report, forecasts), ...tradeOf(trade),
      );
    } catch (error) {
      place.replaceChildren(h("p", { class: "notice", role: "alert" }, (error as Error).message));
    }
  };
  choice.onchange = () => {
    for (const [name, value] of new FormData(choice)) view.query.set(name, String(value));
    noteQuery(view.query);
    void load();
  };
  await load();
}

function figuresOf(report: DayReport, forecasts: ForecastQuality[]): Node[] {
  const tried = report.delivered + report.failed;
  const figures: [string, string][] = [
    [t("Orders"), count(report.orders)],
    [t("Consignments"), count(report.consignments)],
    [t("Delivered"), count(report.delivered)],
    [t("Delivered, of all tried"), percent(tried === 0 ? null : report.delivered / tried)],
    [t("On time"), percent(report.on_time_share)],
    [t("Failed"), count(report.failed)],
    [t("Returns"), count(report.returns)],
    [t("Kilometres planned"), count(Math.round(report.planned_km))],
    [t("Kilometres driven"), count(Math.round(report.driven_km))],
    [t("Proofs"), count(report.proofs)],
    [t("Still open"), count(report.open)],
  ];
  const csv = [[t("What"), t("How many")], ...figures, ...rowsOf(report.orders_by_state), ...rowsOf(report.exceptions)]
    .map((row) => row.map(quoted).join(",")).join("\r\n");
  const link = h("a", { href: URL.createObjectURL(new Blob([csv], { type: "text/csv" })), download: "report.csv" }, t("As CSV"));
  return [
    h("div", { class: "figures" }, ...figures.map(([name, value]) =>
      h("p", { class: "card figure" }, h("strong", {}, value), h("span", {}, name)))),
    h("div", { class: "columns" },
      bars(t("Orders by state"), report.orders_by_state),
      bars(t("Exceptions by kind"), report.exceptions)),
    forecasts.length > 0 ? h("section", { class: "card" },
      h("h3", {}, t("Arrival windows")),
      h("p", {}, t("Eight of ten drivers should come within the window that was told.")),
      plainTable(t("Arrival windows"), [
        { title: t("Told before"), kind: "number", text: (each) => duration(each.lead_s) },
        { title: t("Arrivals"), kind: "number", text: (each) => count(each.arrivals) },
        { title: t("Came within"), kind: "number", text: (each) => percent(each.held_share) },
        { title: t("Came before"), kind: "number", text: (each) => percent(each.early_share) },
        { title: t("Came after"), kind: "number", text: (each) => percent(each.late_share) },
        { title: t("Width"), kind: "number", text: (each) => duration(each.width_s) },
      ], forecasts)) : "",
    report.unassigned.length > 0 ? plainTable(t("On no run"), [
      { title: t("On no run"), text: (each) => each.waybill },
      { title: t("Why"), text: (each) => translated(each.sentence) },
    ], report.unassigned) : "",
    h("p", { class: "buttons" }, link),
  ].filter((each): each is HTMLElement => each instanceof Node);
}

/** Sums by currency, as they are written on invoices. */
const sums = (by: Record<string, number>): string =>
  Object.entries(by).map(([currency, minor]) => money(minor, currency)).join(", ") || "–";

function tradeOf(trade: Trade): HTMLElement[] {
  return [h("h3", {}, t("Stock and money")), h("div", { class: "figures" }, ...([
    [t("Invoiced"), sums(trade.invoiced_minor)],
    [t("Credited"), sums(trade.credited_minor)],
    [t("Units set aside"), count(trade.allocated)],
    [t("Units picked"), count(trade.picked)],
    [t("Back on the shelf"), count(trade.returns_restocked)],
    [t("Stock adds up"), trade.stock_consistent ? t("Yes") : t("No")],
    [t("Journal in balance"), trade.journal_balanced ? t("Yes") : t("No")],
  ] as [string, string][]).map(([name, value]) => h("p", { class: "card figure" }, h("strong", {}, value), h("span", {}, name))))];
}

/** Bars with their numbers; a screen reader hears the numbers only. */
function bars(title: string, numbers: Record<string, number>): HTMLElement {
  const most = Math.max(1, ...Object.values(numbers));
  const lines = Object.entries(numbers).sort(([, a], [, b]) => b - a).flatMap(([name, number]) => [
    h("span", {}, words(name)),
    h("meter", { min: 0, max: most, value: number, "aria-hidden": "true" }),
    h("span", {}, count(number)),
  ]);
  return h("section", { class: "card" }, h("h3", {}, title),
    lines.length > 0 ? h("div", { class: "bars" }, ...lines) : h("p", {}, t("None")));
}

const rowsOf = (numbers: Record<string, number>): [string, string][] =>
  Object.entries(numbers).map(([name, number]) => [words(name), String(number)]);

/** A cell that begins like a formula is not to be reckoned by a spreadsheet. */
const quoted = (cell: string): string => `"${/^[=+\-@\t\r]/.test(cell) ? "'" : ""}${cell.replaceAll('"', '""')}"`;
