/** Cash that drivers took at doors and what is paid out of it, and what drivers are paid. */

import { get, getAll, queryText, send } from "../api";
import { today } from "../clock";
import { t, tn } from "../language";
import { whoIs } from "../names";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog, makeField, type Field, type Values } from "../parts/form";
import { showListing } from "../parts/listing";
import { cardOf } from "../parts/edit";
import { plainTable } from "../parts/table";
import type { View } from "../rooms";
import { date, dateTime, minorOf, money } from "../values";
import type { Driver } from "./plan_records";

interface Debrief { id: string; driver_id: string; currency: string; expected_minor: number; counted_minor: number; difference_minor: number; reason: string; debriefed_at: string; debriefed_by: string }
interface Expected { currency: string; expected_minor: number; taken: Taken[] }
interface Taken { id: string; consignment_id: string; amount_minor: number; currency: string; occurred_at: string }
interface Remittance { id: string; account_id: string; currency: string; gross_minor: number; withheld_minor: number; net_minor: number; reference: string; remitted_at: string; remitted_by: string }
interface Settlement { id: string; driver_id: string; currency: string; first_day: string; last_day: string; total_minor: number; closed_at: string }
interface SettlementDetail extends Settlement { lines: { description: string; net_minor: number; occurred_at: string }[] }
interface PayRule { id: string; driver_id: string | null; valid_from: string; currency: string; rates: { per_stop_minor: number; per_parcel_minor: number; per_km_minor: number; per_hour_minor: number } }
type NameOf = (accountId: string | null) => string;

const RATES = ["per_stop", "per_parcel", "per_km", "per_hour"] as const;

export async function showCash(view: View, place: HTMLElement): Promise<void> {
  const drivers = await get<Driver[]>("/api/drivers");
  const nameOf = namesOf(drivers);
  showListing<Debrief>(view, place, {
    label: t("Cash handed in"),
    path: "/api/cash/debriefs",
    keyOf: (each) => each.id,
    columns: [
      { title: t("When"), text: (each) => dateTime(each.debriefed_at), by: (each) => each.debriefed_at },
      { title: t("Driver"), text: (each) => nameOf(each.driver_id) },
      { title: t("Should be"), kind: "number", text: (each) => money(each.expected_minor, each.currency), by: (each) => each.expected_minor },
      { title: t("Counted"), kind: "number", text: (each) => money(each.counted_minor, each.currency), by: (each) => each.counted_minor },
      { title: t("Difference"), kind: "number", text: (each) => money(each.difference_minor, each.currency), by: (each) => each.difference_minor },
      { title: t("Reason"), text: (each) => each.reason },
      { title: t("By"), text: (each) => whoIs(each.debriefed_by) },
    ],
    open: async (each) => doors(nameOf(each.driver_id), await get<Taken[]>(`/api/cash/debriefs/${each.id}/cash`)),
    create: {
      label: t("Take cash over"),
      form: () => ({
        fields: [{ name: "driver_id", label: t("Driver"), kind: "select", required: true, options: drivers.map(({ id, name }) => [id, name]) }],
        button: t("How much should it be?"),
        submit: async ({ driver_id = "" }) => {
          const expected = await get<Expected[]>(`/api/cash/drivers/${driver_id}`);
          const due = expected.filter((each) => each.taken.length > 0);
          if (due.length === 0) throw new Error(t("{name} has no cash to hand in.", { name: nameOf(driver_id) }));
          setTimeout(() => due.forEach((each) => takeOver(driver_id, nameOf(driver_id), each)));
        },
      }),
    },
    empty: t("No cash was handed in yet."),
  });
}

function takeOver(driverId: string, name: string, { currency, expected_minor: expected, taken }: Expected): void {
  formDialog(t("Cash of {name}", { name }), {
    note: tn(taken.length, "{n} door, {amount} in all.", "{n} doors, {amount} in all.", { amount: money(expected, currency) }),
    fields: [
      { name: "counted", label: t("Counted"), kind: "number", required: true },
      { name: "reason", label: t("Why it differs, if it does") },
    ],
    button: t("Take over"),
    submit: async ({ counted = "", reason }, key) => {
      const made = await send<Debrief>("POST", "/api/cash/debriefs", {
        driver_id: driverId, currency, expected_minor: expected, counted_minor: minorOf(counted, currency), reason,
      }, key);
      tell(made.difference_minor === 0 ? t("The cash agrees.") : t("It differs by {amount}", { amount: money(made.difference_minor, currency) }));
    },
  });
}

function doors(title: string, taken: Taken[]): void {
  openDialog(title, plainTable(t("Door by door"), [
    { title: t("When"), text: (each) => dateTime(each.occurred_at) },
    { title: t("Amount"), kind: "number", text: (each) => money(each.amount_minor, each.currency) },
  ], taken));
}

export function showRemittances(view: View, place: HTMLElement, nameOf: NameOf): void {
  showListing<Remittance>(view, place, {
    label: t("Paid out"),
    path: "/api/remittances",
    keyOf: (each) => each.id,
    columns: [
      { title: t("When"), text: (each) => dateTime(each.remitted_at), by: (each) => each.remitted_at },
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("Taken in cash"), kind: "number", text: (each) => money(each.gross_minor, each.currency), by: (each) => each.gross_minor },
      { title: t("Fees"), kind: "number", text: (each) => money(each.withheld_minor, each.currency), by: (each) => each.withheld_minor },
      { title: t("Paid"), kind: "number", text: (each) => money(each.net_minor, each.currency), by: (each) => each.net_minor },
      { title: t("Reference"), text: (each) => each.reference },
      { title: t("By"), text: (each) => whoIs(each.remitted_by) },
    ],
    open: async (each) => doors(nameOf(each.account_id), await get<Taken[]>(`/api/remittances/${each.id}/cash`)),
    empty: t("Nothing was paid out yet. Open an account to pay it its cash."),
  });
}

export async function showPay(view: View, place: HTMLElement): Promise<void> {
  const drivers = await get<Driver[]>("/api/drivers");
  const nameOf = namesOf(drivers);
  const who: Field = { name: "driver_id", label: t("Driver"), kind: "select", required: true, options: drivers.map(({ id, name }) => [id, name]) };
  const rules = h("div");
  showListing<Settlement>(view, place, {
    label: t("Settlements"),
    path: "/api/settlements",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Driver"), text: (each) => nameOf(each.driver_id) },
      { title: t("From"), text: (each) => date(each.first_day), by: (each) => each.first_day },
      { title: t("Until and including"), text: (each) => date(each.last_day), by: (each) => each.last_day },
      { title: t("Total"), kind: "number", text: (each) => money(each.total_minor, each.currency), by: (each) => each.total_minor },
      { title: t("Closed"), text: (each) => dateTime(each.closed_at), by: (each) => each.closed_at },
    ],
    open: async (each) => settlementLines(nameOf(each.driver_id), await get<SettlementDetail>(`/api/settlements/${each.id}`)),
    create: {
      label: t("Settle with a driver"),
      form: () => ({
        fields: [who, { name: "last_day", label: t("Until and including"), kind: "date", required: true, value: today(), width: "half" }, { name: "currency", label: t("Currency"), required: true, value: "EUR", width: "half" }],
        button: t("What would it be?"),
        submit: async (values) => {
          const preview = await send<SettlementDetail>("POST", "/api/settlements/preview", values);
          setTimeout(() => settlementLines(nameOf(values["driver_id"] ?? ""), preview, async () => {
            await send("POST", "/api/settlements", values);
            tell(t("Settled"));
          }));
        },
      }),
    },
    empty: t("Nothing is settled yet."),
  });
  place.append(h("h3", {}, t("What drivers are paid by")), rules);
  showListing<PayRule>(view, rules, {
    label: t("Pay rules"),
    path: "/api/pay-rules",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Driver"), text: (each) => (each.driver_id ? nameOf(each.driver_id) : t("All")) },
      { title: t("From"), text: (each) => dateTime(each.valid_from), by: (each) => each.valid_from },
      ...RATES.map((rate) => ({
        title: rateWords(rate), kind: "number" as const, text: (each: PayRule) => money(each.rates[`${rate}_minor`], each.currency), by: (each: PayRule) => each.rates[`${rate}_minor`],
      })),
    ],
    create: {
      label: t("New pay rule"),
      form: () => ({
        fields: [
          { ...who, required: false, options: [["", t("All")], ...drivers.map(({ id, name }): [string, string] => [id, name])] },
          { name: "valid_from", label: t("From"), kind: "date", required: true, value: today(), width: "half" },
          { name: "currency", label: t("Currency"), required: true, value: "EUR", width: "half" },
          ...RATES.map((rate): Field => ({ name: rate, label: rateWords(rate), kind: "number", value: 0, width: "half" })),
        ],
        button: t("Add"),
        submit: ({ driver_id, valid_from, currency = "EUR", ...typed }) => send("POST", "/api/pay-rules", {
          driver_id: driver_id || null, currency, valid_from: new Date(`${valid_from}T00:00:00`).toISOString(),
          rates: Object.fromEntries(RATES.map((rate) => [`${rate}_minor`, minorOf(typed[rate] ?? "", currency) ?? 0])),
        }),
      }),
    },
    empty: t("No pay rule yet: settlements would be empty."),
  });
}

const rateWords = (rate: (typeof RATES)[number]): string =>
  ({ per_stop: t("Per stop"), per_parcel: t("Per parcel"), per_km: t("Per kilometre"), per_hour: t("Per hour") })[rate];

function settlementLines(name: string, { currency, total_minor: total, lines, first_day: from, last_day: to }: SettlementDetail, close?: () => Promise<void>): void {
  const dialog = openDialog(t("Pay of {name}", { name }),
    h("p", {}, `${date(from)} – ${date(to)}: `, h("strong", {}, money(total, currency))),
    plainTable(t("Lines"), [
      { title: t("When"), text: (each) => dateTime(each.occurred_at) },
      { title: t("For"), text: (each) => each.description },
      { title: t("Amount"), kind: "number", text: (each) => money(each.net_minor, currency) },
    ], lines));
  if (!close || lines.length === 0) return;
  const act = h("button", { type: "button", class: "main" }, t("Settle"));
  act.onclick = () => void close().then(() => dialog.close(), (error: Error) => tell(error.message));
  dialog.append(h("p", { class: "buttons" }, act));
}

const namesOf = (drivers: Driver[]) => (id: string): string => drivers.find((each) => each.id === id)?.name ?? "";

/** For the books: the journal, and what was sold for another program. */
export async function showExports(place: HTMLElement): Promise<void> {
  const { items } = await get<{ items: { code: string; profile: { name: string } }[] }>("/api/companies");
  const monthBegan = `${today().slice(0, 8)}01`;
  const period: Field[] = [
    { name: "since", label: t("From"), kind: "date", value: monthBegan, width: "half" },
    { name: "until", label: t("Until and including"), kind: "date", value: today(), width: "half" },
  ];
  const download = (title: string, fields: Field[], urlOf: (typed: Values) => string): HTMLElement => {
    const form = h("form", { class: "form" }, ...fields.map(makeField), h("p", { class: "buttons" }, h("button", { class: "main" }, t("Download CSV"))));
    form.onsubmit = (event) => {
      event.preventDefault();
      window.open(urlOf(Object.fromEntries(new FormData(form)) as Values), "_blank", "noreferrer");
    };
    return cardOf(title, [], form);
  };
  const moment = (day: string | undefined, afterDays: number): string =>
    new Date(new Date(`${day}T00:00:00`).getTime() + afterDays * 86_400_000).toISOString();
  place.append(h("div", { class: "columns" },
    download(t("Journal, in double entry"), period, ({ since, until }) => `/api/journal.csv${queryText({ since: moment(since, 0), until: moment(until, 1) })}`),
    download(t("Sales, for Xero or QuickBooks"), [
      { name: "program", label: t("Program"), kind: "select", options: [["xero", "Xero"], ["quickbooks", "QuickBooks"]], width: "half" },
      { name: "company", label: t("Legal entity"), kind: "select", options: items.map(({ code, profile }) => [code, profile.name]), width: "half" },
      { name: "kind", label: t("Kind"), kind: "select", options: [["invoice", t("Invoice")], ["credit_note", t("Credit note")]] },
      ...period,
    ], (typed) => `/api/sales.csv${queryText(typed)}`)));
}

interface Unpriced { id: string; source: string; work: string; occurred_at: string; reason: string | null; account_id: string | null }

export function showUnpriced(view: View, place: HTMLElement, nameOf: NameOf): void {
  const again = h("button", { type: "button" }, t("Try all again"));
  const reload = showListing<Unpriced>(view, place, {
    label: t("Not priced"),
    path: "/api/charges/unpriced",
    keyOf: (each) => each.id,
    columns: [
      { title: t("When"), text: (each) => dateTime(each.occurred_at), by: (each) => each.occurred_at },
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("For"), text: (each) => each.work },
      { title: t("Why"), text: (each) => each.reason ?? "" },
    ],
    actions: [{ label: t("Try again"), act: (each) => send("POST", "/api/charges/unpriced/reprice", { work_ids: [each.id] }) }],
    extra: [again],
    empty: t("Everything is priced."),
  });
  again.onclick = async () => {
    const { priced, waiting } = await send<{ priced: number; waiting: number }>("POST", "/api/charges/unpriced/reprice", {});
    tell(t("{n} priced, {m} still wait", { n: priced, m: waiting }));
    await reload();
  };
}

interface Match { id: string; amount_minor: number; matched_on: string; undone_on: string | null; payment_id: string | null }

/** What settled an invoice; a match can be taken back. */
export async function matchesOf(invoiceId: string, currency: string, mayUndo: boolean, changed: () => unknown): Promise<HTMLElement | string> {
  const matches = (await getAll<Match>(`/api/invoices/${invoiceId}/matches`)).filter((each) => each.undone_on === null);
  if (matches.length === 0) return "";
  const undo = ({ id }: Match): unknown => send("POST", `/api/matches/${id}/undo`).then(changed, (error: Error) => tell(error.message));
  return cardOf(t("Settled by"), [], h("ul", { class: "story with-buttons" }, ...matches.map((each) =>
    h("li", {}, h("time", {}, date(each.matched_on)),
      h("p", {}, `${each.payment_id ? t("Payment") : t("Credit note")}: ${money(each.amount_minor, currency)}`),
      mayUndo && h("button", { type: "button", onclick: () => undo(each) }, t("Take the match back"))))));
}
