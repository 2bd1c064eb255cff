/** Money: accounts, what is not invoiced yet, invoices, payments, tariffs with their dry run, ageing. */

import { get, getAll, isCustomer, send } from "../api";
import { clockIsKnown, nowMs, today } from "../clock";
import { t } from "../language";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog, type Field } from "../parts/form";
import { showListing, showTabs, type Action } from "../parts/listing";
import { type PriceTrace, traceWords } from "../parts/price";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { translated } from "../server_words";
import { count, date, dateTime, minorOf, money, words } from "../values";
import { openAccount, showAccount, showOwn, statementOf } from "./account";
import { showBrand } from "./brand";
import { matchesOf, showCash, showExports, showPay, showRemittances, showUnpriced } from "./cash";
import { stateOptions } from "./orders";
import { showTariffs } from "./tariffs";

interface Account { id: string; code: string; name: string; currency: string; active: boolean; credit_limit_minor?: number | null; owed_minor?: number }
interface Uninvoiced { account_id: string; currency: string; charges: number; net_minor: number; oldest_at: string }
interface Invoice {
  id: string; kind: "invoice" | "credit_note"; state: string; number: string | null; account_id: string; currency: string;
  issued_on: string | null; due_on: string | null; net_minor: number; vat_minor: number; gross_minor: number; open_minor: number;
  lines?: { number: number; description: string; occurred_on: string; net_minor: number; credited_minor: number }[];
}
interface Payment { id: string; account_id: string | null; bank_reference: string; amount_minor: number; unmatched_minor: number; currency: string; received_on: string; remittance: string }
interface Charge { id: string; account_id: string; kind: string; description: string; net_minor: number; currency: string; occurred_at: string; source: string; trace?: PriceTrace }
interface Ageing { account_id: string; currency: string; current_minor: number; days_1_to_30_minor: number; days_31_to_60_minor: number; days_61_to_90_minor: number; days_over_90_minor: number; credit_minor: number; total_minor: number }

export async function open(view: View): Promise<void> {
  const [first, id] = view.segments;
  const [accounts] = await Promise.all([getAll<Account>("/api/accounts", { limit: 200 }), clockIsKnown()]);
  const names = new Map(accounts.map((each) => [each.id, each.name]));
  const nameOf = (accountId: string | null): string => (accountId ? (names.get(accountId) ?? "") : "–");
  if (first === "invoices" && id) return showInvoice(view, id, nameOf);
  if (first === "accounts" && id) return showAccount(view, id);
  if (first === "tariffs" && id && !isCustomer()) return (await import("./tariff")).showTariff(view, id, accounts, nameOf);
  const choices = accounts.map((each): [string, string] => [each.id, each.name]);
  const mine = accounts[0];
  if (isCustomer() && mine) {
    return showTabs(view, "billing", [
      { path: "", title: t("Invoices"), show: (place) => showInvoices(view, place, nameOf, []) },
      { path: "charges", title: t("Charges"), show: (place) => showCharges(view, place, nameOf, []) },
      { path: "statement", title: t("Statement"), show: (place) => place.append(statementOf(view, `/api/accounts/${mine.id}`)) },
      { path: "contacts", title: t("Contacts and addresses"), show: (place) => showOwn(place, mine.id) },
      { path: "look", title: t("Look of the tracking page"), show: (place) => void showBrand(place, mine) },
    ]);
  }
  return showTabs(view, "billing", [
    { path: "", title: t("To invoice"), show: (place) => showUninvoiced(view, place, nameOf) },
    { path: "invoices", title: t("Invoices"), show: (place) => showInvoices(view, place, nameOf, choices) },
    { path: "payments", title: t("Payments"), show: (place) => showPayments(view, place, nameOf, choices) },
    { path: "charges", title: t("Charges"), show: (place) => showCharges(view, place, nameOf, choices) },
    { path: "tariffs", title: t("Tariffs"), show: (place) => showTariffs(view, place, nameOf) },
    { path: "ageing", title: t("Overdue"), show: (place) => showAgeing(view, place, nameOf) },
    { path: "accounts", title: t("Accounts"), show: (place) => showAccounts(view, place) },
    { path: "unpriced", title: t("Not priced"), show: (place) => showUnpriced(view, place, nameOf) },
    { path: "cash", title: t("Cash"), show: (place) => showCash(view, place) },
    { path: "paid-out", title: t("Paid out"), show: (place) => showRemittances(view, place, nameOf) },
    { path: "pay", title: t("Drivers' pay"), show: (place) => showPay(view, place) },
    { path: "exports", title: t("For the books"), show: (place) => showExports(place) },
  ]);
}

const byAccount = (choices: [string, string][]): Field[] => choices.length === 0 ? [] : [
  { name: "account_id", label: t("Account"), kind: "select", options: [["", t("All")], ...choices] },
];

type NameOf = (accountId: string | null) => string;

function showUninvoiced(view: View, place: HTMLElement, nameOf: NameOf): void {
  showListing<Uninvoiced>(view, place, {
    label: t("To invoice"),
    path: "/api/uninvoiced",
    keyOf: (each) => `${each.account_id} ${each.currency}`,
    columns: [
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("Charges"), kind: "number", text: (each) => count(each.charges), by: (each) => each.charges },
      { title: t("Net"), kind: "number", text: (each) => money(each.net_minor, each.currency), by: (each) => each.net_minor },
      { title: t("Oldest"), text: (each) => dateTime(each.oldest_at), by: (each) => each.oldest_at },
    ],
    actions: [{
      label: t("Draft invoices"),
      act: async (each) => {
        const { left_out: left } = await send<{ left_out: { reason: string }[] }>("POST", "/api/invoice-drafts", {
          account_id: each.account_id, until: new Date(nowMs()).toISOString(),
        });
        if (left.length > 0) throw new Error(left.map(({ reason }) => reason).join(" "));
      },
    }],
    empty: t("Everything is invoiced."),
  });
}

function showInvoices(view: View, place: HTMLElement, nameOf: NameOf, choices: [string, string][]): void {
  showListing<Invoice>(view, place, {
    label: t("Invoices"),
    path: "/api/invoices",
    keyOf: (each) => each.id,
    filters: [
      ...byAccount(choices),
      { name: "state", label: t("State"), kind: "select", options: stateOptions(["draft", "issued", "part_paid", "paid"]) },
      { name: "kind", label: t("Kind"), kind: "select", options: stateOptions(["invoice", "credit_note"]) },
    ],
    columns: [
      { title: t("Number"), text: (each) => each.number ?? t("Draft") },
      { title: t("Kind"), text: (each) => words(each.kind) },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("Issued"), text: (each) => date(each.issued_on), by: (each) => each.issued_on ?? "" },
      { title: t("Due"), text: (each) => date(each.due_on), by: (each) => each.due_on ?? "" },
      { title: t("Total"), kind: "number", text: (each) => money(each.gross_minor, each.currency), by: (each) => each.gross_minor },
      { title: t("Open"), kind: "number", text: (each) => money(each.open_minor, each.currency), by: (each) => each.open_minor },
    ],
    open: (each) => go(roomUrl("billing", "invoices", each.id)),
    ...(!isCustomer() && { actions: [
      { label: t("Issue"), isFor: (each) => each.state === "draft", act: (each) => send("POST", `/api/invoices/${each.id}/issue`) },
      { label: t("Throw the draft away"), isFor: (each) => each.state === "draft", act: (each) => send("DELETE", `/api/invoices/${each.id}`) },
    ] as Action<Invoice>[] }),
    empty: t("No invoice is like this."),
  });
}

async function showInvoice(view: View, id: string, nameOf: NameOf): Promise<void> {
  const invoice = await get<Invoice>(`/api/invoices/${id}`);
  const credit = (): unknown => formDialog(t("Credit note"), {
    note: t("It takes back what is not credited yet."),
    fields: [{ name: "reason", label: t("Reason"), required: true }],
    button: t("Make the credit note"),
    submit: async (values, key) => {
      const made = await send<Invoice>("POST", `/api/invoices/${id}/credit-notes`, values, key);
      go(roomUrl("billing", "invoices", made.id));
    },
  });
  const issue = (): unknown => send("POST", `/api/invoices/${id}/issue`).then(showRoom, (error: Error) => tell(error.message));
  const isDraft = invoice.state === "draft";
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("billing", "invoices") }, t("← Invoices"))),
    h("h2", {}, `${words(invoice.kind)} ${invoice.number ?? ""} `, h("span", { class: "pill" }, words(invoice.state))),
    h("p", { class: "buttons" },
      isDraft && !isCustomer() && h("button", { type: "button", class: "main", onclick: issue }, t("Issue")),
      !isDraft && h("a", { class: "main", href: `/api/invoices/${id}/pdf`, target: "_blank" }, "PDF"),
      !isDraft && h("a", { href: `/api/invoices/${id}/ubl` }, "UBL"),
      !isDraft && !isCustomer() && invoice.kind === "invoice" && h("button", { type: "button", onclick: credit }, t("Credit note"))),
    h("section", { class: "card" }, facts([
      [t("Account"), nameOf(invoice.account_id)],
      [t("Issued"), date(invoice.issued_on)],
      [t("Due"), date(invoice.due_on)],
      [t("Net"), money(invoice.net_minor, invoice.currency)],
      [t("VAT"), money(invoice.vat_minor, invoice.currency)],
      [t("Total"), money(invoice.gross_minor, invoice.currency)],
      [t("Open"), money(invoice.open_minor, invoice.currency)],
    ])),
    plainTable(t("Lines"), [
      { title: "#", kind: "number", text: (line) => String(line.number) },
      { title: t("Day"), text: (line) => date(line.occurred_on) },
      { title: t("For"), text: (line) => line.description },
      { title: t("Net"), kind: "number", text: (line) => money(line.net_minor, invoice.currency) },
      { title: t("Credited"), kind: "number", text: (line) => money(line.credited_minor, invoice.currency) },
    ], invoice.lines ?? []),
    isDraft ? "" : await matchesOf(id, invoice.currency, !isCustomer(), showRoom),
  );
}

function showPayments(view: View, place: HTMLElement, nameOf: NameOf, choices: [string, string][]): void {
  const reload = showListing<Payment>(view, place, {
    label: t("Payments"),
    path: "/api/payments",
    keyOf: (each) => each.id,
    filters: [
      { name: "account_id", label: t("Account"), kind: "select", options: [["", t("All")], ...choices] },
      { name: "unmatched", label: t("Which"), kind: "select", options: [["", t("All")], ["true", t("Not matched yet")]] },
    ],
    columns: [
      { title: t("Received"), text: (each) => date(each.received_on), by: (each) => each.received_on },
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("Amount"), kind: "number", text: (each) => money(each.amount_minor, each.currency), by: (each) => each.amount_minor },
      { title: t("Not matched"), kind: "number", text: (each) => money(each.unmatched_minor, each.currency), by: (each) => each.unmatched_minor },
      { title: t("Reference"), text: (each) => each.remittance },
      { title: t("Bank's reference"), text: (each) => each.bank_reference },
    ],
    open: (each) => void match(each, choices, () => void reload()),
    create: {
      label: t("New payment"),
      form: async () => {
        const { items: companies } = await get<{ items: { code: string; profile: { name: string } }[] }>("/api/companies");
        return {
          fields: [
            { name: "company", label: t("Paid to"), kind: "select", options: companies.map(({ code, profile }) => [code, profile.name]) },
            { name: "account_id", label: t("From"), kind: "select", options: [["", t("By the reference")], ...choices] },
            { name: "amount", label: t("Amount"), kind: "number", required: true, width: "third" },
            { name: "currency", label: t("Currency"), required: true, value: "EUR", width: "third" },
            { name: "received_on", label: t("Received"), kind: "date", required: true, value: today(), width: "third" },
            { name: "bank_reference", label: t("Bank's reference"), required: true },
            { name: "remittance", label: t("Reference") },
          ],
          button: t("Note the payment"),
          submit: ({ amount = "", account_id, ...values }) => send("POST", "/api/payments", {
            ...values, account_id: account_id || null, amount_minor: minorOf(amount, values["currency"] ?? "EUR"),
          }),
        };
      },
    },
    empty: t("No payment is like this."),
  });
}

async function match(payment: Payment, choices: [string, string][], done: () => void): Promise<void> {
  if (!payment.account_id) return assign(payment, choices, done);
  const query = { account_id: payment.account_id, kind: "invoice", limit: 200 };
  const open = (await getAll<Invoice>("/api/invoices", query)).filter((each) => each.open_minor > 0 && each.number);
  formDialog(t("Which invoice does it pay?"), {
    note: `${money(payment.unmatched_minor, payment.currency)} · ${payment.remittance}`,
    fields: [{ name: "invoice_id", label: t("Invoice"), kind: "select", required: true, options: open.map((each) => [each.id, `${each.number} · ${money(each.open_minor, each.currency)}`]) }],
    button: t("Match"),
    submit: async ({ invoice_id }) => {
      const made = await send<{ id: string }>("POST", "/api/matches", { invoice_id, payment_id: payment.id });
      const undo = (): unknown => send("POST", `/api/matches/${made.id}/undo`).then(done, (error: Error) => tell(error.message));
      tell(t("Matched"), { label: t("Undo"), act: undo });
      done();
    },
  });
}

/** Money of which nobody could tell whose it is. */
function assign(payment: Payment, choices: [string, string][], done: () => void): void {
  formDialog(t("Whose money is it?"), {
    note: `${money(payment.amount_minor, payment.currency)} · ${payment.remittance || payment.bank_reference}`,
    fields: [{ name: "account_id", label: t("Account"), kind: "select", required: true, options: choices }],
    button: t("Assign"),
    submit: (values) => send("POST", `/api/payments/${payment.id}/assign`, values).then(done),
  });
}

function showCharges(view: View, place: HTMLElement, nameOf: NameOf, choices: [string, string][]): void {
  showListing<Charge>(view, place, {
    label: t("Charges"),
    path: "/api/charges",
    keyOf: (each) => each.id,
    filters: byAccount(choices),
    columns: [
      { title: t("When"), text: (each) => dateTime(each.occurred_at), by: (each) => each.occurred_at },
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      { title: t("Kind"), kind: "state", text: (each) => words(each.kind) },
      { title: t("For"), text: (each) => translated(each.description) },
      { title: t("Net"), kind: "number", text: (each) => money(each.net_minor, each.currency), by: (each) => each.net_minor },
    ],
    open: (each) => openDialog(t("How the price came about"),
      h("p", {}, `${translated(each.description)}: `, h("strong", {}, money(each.net_minor, each.currency))),
      each.trace ? traceWords(each.trace, each.currency) : h("p")),
    ...(!isCustomer() && { actions: [{ label: t("Reverse"), fields: [{ name: "reason", label: t("Reason"), required: true }], act: (each, values) => send("POST", `/api/charges/${each.id}/reverse`, values) }] as Action<Charge>[] }),
    empty: t("No charge is like this."),
  });
}

function showAgeing(view: View, place: HTMLElement, nameOf: NameOf): void {
  const column = (title: string, of: (each: Ageing) => number): { title: string; kind: "number"; text: (each: Ageing) => string; by: (each: Ageing) => number } =>
    ({ title, kind: "number", text: (each) => money(of(each), each.currency), by: of });
  showListing<Ageing>(view, place, {
    label: t("Overdue"),
    path: "/api/ageing",
    query: { as_of: today() },
    keyOf: (each) => `${each.account_id} ${each.currency}`,
    columns: [
      { title: t("Account"), text: (each) => nameOf(each.account_id) },
      column(t("Not due"), (each) => each.current_minor),
      column(t("1–30 days"), (each) => each.days_1_to_30_minor),
      column(t("31–60 days"), (each) => each.days_31_to_60_minor),
      column(t("61–90 days"), (each) => each.days_61_to_90_minor),
      column(t("Over 90 days"), (each) => each.days_over_90_minor),
      column(t("Credit"), (each) => each.credit_minor),
      column(t("Total"), (each) => each.total_minor),
    ],
    empty: t("Nobody owes anything."),
  });
}

const setActive = (active: boolean) => ({ id }: Account): Promise<unknown> => send("PATCH", `/api/accounts/${id}`, { active });

function showAccounts(view: View, place: HTMLElement): void {
  showListing<Account>(view, place, {
    label: t("Accounts"),
    path: "/api/accounts",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Code"), text: (each) => each.code },
      { title: t("Name"), text: (each) => each.name },
      { title: t("State"), kind: "state", text: (each) => (each.active ? t("Active") : t("Closed")) },
      { title: t("Owes"), kind: "number", text: (each) => money(each.owed_minor ?? 0, each.currency), by: (each) => each.owed_minor ?? 0 },
      { title: t("Credit limit"), kind: "number", text: (each) => money(each.credit_limit_minor, each.currency), by: (each) => each.credit_limit_minor ?? -1 },
    ],
    open: (each) => openAccount(each.id),
    actions: [
      { label: t("Close"), isFor: (each) => each.active, act: setActive(false), undo: setActive(true) },
      { label: t("Open again"), isFor: (each) => !each.active, act: setActive(true), undo: setActive(false) },
    ],
    create: {
      label: t("New account"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true },
          { name: "code", label: t("Code"), required: true, width: "half", hint: t("Letters, digits and hyphens, such as ACME") },
          { name: "currency", label: t("Currency"), width: "half", hint: t("Empty: the company's own") },
        ],
        button: t("Add"),
        submit: ({ currency, code = "", ...values }) => send("POST", "/api/accounts", {
          ...values, code: code.toUpperCase(), currency: currency?.toUpperCase() || null,
        }),
      }),
    },
    empty: t("There is no account yet."),
  });
}
