/** One account: who they are, what they owe, how they are invoiced, what was agreed, statement. */

import { get, getAll, queryText, send } from "../api";
import { today } from "../clock";
import { t, tn } from "../language";
import { h, tell } from "../page";
import { button, cardOf, edit, yesNo } from "../parts/edit";
import { formDialog, makeField, type Field, type Values } from "../parts/form";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { date, minorOf, money, words } from "../values";
import type { Account } from "./order_records";
import { openBrand } from "./brand";

interface Owing extends Account { credit_limit_minor?: number | null; owed_minor?: number }
interface Contact { id: string; name: string; duty: string; email: string; phone: string }
interface Entry { id: string; label: string; place_id: string }
interface Policy { attempts_max: number; days_to_hand_over: number; swap_without_old: boolean }
interface Due { currency: string; gross_minor: number; withheld_minor: number; net_minor: number; with_drivers_minor: number }
interface Address { street: string; extra?: string; postcode?: string; city: string; country: string }
interface Buyer {
  company: string; name: string; attention: string; address: Address; email: string; vat_id: string; registration: string; peppol_id: string;
  buyer_reference: string; payment_days: number; invoice_rule: string; cost_centres: string; language: string; vat_rule: string;
  exemption_code: string; exemption_reason: string;
}
interface Statement {
  currency: string; opening_minor: number; closing_minor: number;
  lines: { day: string; kind: string; id: string; name: string; amount_minor: number; balance_minor: number }[];
}

export async function showAccount(view: View, id: string): Promise<void> {
  const path = `/api/accounts/${id}`;
  const nothing = <Row>(): Row[] => [];
  const [account, contacts, book, policy, due, buyer, rule] = await Promise.all([
    get<Owing>(path), getAll<Contact>(`${path}/contacts`), getAll<Entry>(`${path}/address-book`, { limit: 200 }),
    get<Policy>(`${path}/return-policy`), get<Due[]>(`${path}/cash`).catch(nothing<Due>), readBuyer(path),
    get<{ rule: string }>("/api/sourcing-rule", { account: id }).catch(() => undefined),
  ]);
  const changed = (): Promise<void> => showRoom();
  const rename = (): unknown => edit<Owing>({
    title: account.name, read: () => get<Owing>(path), saved: changed,
    fields: (now) => [
      { name: "name", label: t("Name"), value: now.name, required: true },
      { name: "active", label: t("Takes orders"), kind: "select", value: String(now.active), options: yesNo() },
    ],
    save: ({ name, active }) => send("PATCH", path, { name, active: active === "true" }),
  });
  const limit = (): unknown => edit<Owing>({
    title: t("Credit limit"), read: () => get<Owing>(path), saved: changed,
    note: t("Orders that would exceed it wait for a person. Empty: no limit."),
    fields: (now) => [{ name: "credit_limit_minor", label: t("Credit limit"), kind: "number", value: now.credit_limit_minor == null ? "" : now.credit_limit_minor / 100 }],
    save: ({ credit_limit_minor: typed = "" }) => send("PUT", `${path}/credit-limit`, { credit_limit_minor: minorOf(typed, account.currency) ?? null }),
  });
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("billing", "accounts") }, t("← Accounts"))),
    h("h2", {}, account.name, " ", h("span", { class: "pill" }, account.active ? t("Active") : t("Closed"))),
    h("div", { class: "columns" },
      cardOf(t("What is known"), [button(t("Change"), rename), button(t("Credit limit"), limit), button(t("Look of the tracking page"), () => openBrand(account))], facts([
        [t("Code"), account.code],
        [t("Currency"), account.currency],
        [t("Owes"), money(account.owed_minor ?? 0, account.currency)],
        [t("Credit limit"), money(account.credit_limit_minor, account.currency)],
      ])),
      await invoicingOf(path, account, buyer, changed),
      contactsOf(path, contacts, changed),
      bookOf(path, book, changed),
      cardOf(t("Returns and attempts"), [button(t("Change"), () => changePolicy(path, changed))], facts([
        [t("Attempts at most"), String(policy.attempts_max)],
        [t("Days to hand a return over"), String(policy.days_to_hand_over)],
        [t("Exchange without the old goods"), policy.swap_without_old ? t("Yes") : t("No")],
      ])),
      cashOf(id, path, due, changed),
      rule ? cardOf(t("Which warehouse"), [button(t("Change"), () => chooseRule(id, changed))], facts([[t("Orders are filled from"), words(rule.rule)]])) : "",
    ),
    statementOf(view, path),
  );
}

/** What the people of an account keep themselves. */
export async function showOwn(place: HTMLElement, id: string): Promise<void> {
  const path = `/api/accounts/${id}`;
  const [contacts, book] = await Promise.all([getAll<Contact>(`${path}/contacts`), getAll<Entry>(`${path}/address-book`, { limit: 200 })]);
  place.append(h("div", { class: "columns" }, contactsOf(path, contacts, showRoom), bookOf(path, book, showRoom)));
}

const readBuyer = (path: string): Promise<Buyer | undefined> =>
  get<{ profile: Buyer }>(`${path}/billing-profile`).then(({ profile }) => profile, () => undefined);

async function invoicingOf(path: string, account: Account, buyer: Buyer | undefined, changed: () => unknown): Promise<HTMLElement> {
  const { items } = await get<{ items: { code: string; profile: { name: string } }[] }>("/api/companies").catch(() => ({ items: [] }));
  const companies = items.map(({ code, profile }): [string, string] => [code, profile.name]);
  const shown = buyer && facts([
    [t("To"), [buyer.name, buyer.address.street, `${buyer.address.postcode ?? ""} ${buyer.address.city}`, buyer.address.country].join(", ")],
    [t("Email"), buyer.email || "–"],
    [t("VAT number"), buyer.vat_id || "–"],
    [t("Pays within"), tn(buyer.payment_days, "{n} day", "{n} days")],
    [t("An invoice"), words(buyer.invoice_rule)],
    [t("Cost centres"), buyer.cost_centres === "split" ? t("An invoice for each") : t("Grouped on one invoice")],
  ]);
  const change = (): unknown => edit<Buyer | undefined>({
    title: t("How {name} is invoiced", { name: account.name }), read: () => readBuyer(path), saved: changed,
    fields: (now) => buyerFields(now, account, companies),
    save: (typed, now) => send("PUT", `${path}/billing-profile`, buyerOf(typed, now)),
    isUndoable: () => buyer !== undefined,
  });
  return cardOf(t("Invoicing"), [button(buyer ? t("Change") : t("Say how it is invoiced"), change, buyer ? "" : "main")],
    shown ?? h("p", { class: "hint" }, t("Nothing is said yet: this account cannot be invoiced.")));
}

function buyerFields(now: Buyer | undefined, account: Account, companies: [string, string][]): Field[] {
  const choice = (name: keyof Buyer, label: string, options: [string, string][], fallback: string): Field =>
    ({ name, label, kind: "select", options, value: String(now?.[name] ?? fallback), width: "half" });
  return [
    { name: "company", label: t("Invoices are written by"), kind: "select", options: companies, value: now?.company ?? companies[0]?.[0] ?? "", required: true },
    { name: "name", label: t("Name"), value: now?.name ?? account.name, required: true, width: "half" },
    { name: "attention", label: t("For the attention of"), value: now?.attention ?? "", width: "half" },
    { name: "street", label: t("Street"), value: now?.address.street ?? "", required: true },
    { name: "postcode", label: t("Postcode"), value: now?.address.postcode ?? "", width: "third" },
    { name: "city", label: t("Town"), value: now?.address.city ?? "", required: true, width: "third" },
    { name: "country", label: t("Country"), value: now?.address.country ?? "", required: true, width: "third", hint: t("Two letters, such as CH") },
    { name: "email", label: t("Email"), kind: "email", value: now?.email ?? "", width: "half" },
    { name: "vat_id", label: t("VAT number"), value: now?.vat_id ?? "", width: "half" },
    { name: "peppol_id", label: t("Peppol address"), value: now?.peppol_id ?? "", width: "half", hint: t("Such as 9930:DE123456789") },
    { name: "buyer_reference", label: t("Reference on invoices"), value: now?.buyer_reference ?? "", width: "half" },
    { name: "payment_days", label: t("Days to pay"), kind: "number", value: now?.payment_days ?? 14, required: true, width: "half" },
    choice("language", t("Language"), [["en", "English"], ["de", "Deutsch"]], "en"),
    choice("invoice_rule", t("An invoice"), [["per_period", t("Per period")], ["per_order", t("Per order")]], "per_period"),
    choice("cost_centres", t("Cost centres"), [["group", t("Grouped on one invoice")], ["split", t("An invoice for each")]], "group"),
    choice("vat_rule", t("VAT"), [["normal", t("Normal")], ["exempt", t("Exempt")], ["outside_scope", t("Outside scope")]], "normal"),
    { name: "exemption_reason", label: t("Why exempt"), value: now?.exemption_reason ?? "", width: "half" },
  ];
}

function buyerOf({ street, postcode, city, country = "", ...typed }: Values, now: Buyer | undefined): object {
  return {
    ...now, ...typed, payment_days: Number(typed["payment_days"]),
    address: { ...now?.address, street, postcode, city, country: country.toUpperCase() },
  };
}

function contactsOf(path: string, contacts: Contact[], changed: () => unknown): HTMLElement {
  const add = (): unknown => formDialog(t("New contact"), {
    fields: [
      { name: "name", label: t("Name"), required: true, width: "half" }, { name: "duty", label: t("What for"), width: "half" },
      { name: "email", label: t("Email"), kind: "email", width: "half" }, { name: "phone", label: t("Phone"), kind: "tel", width: "half" },
    ],
    button: t("Add"),
    submit: (values) => send("POST", `${path}/contacts`, values).then(changed),
  });
  const forget = ({ id, ...contact }: Contact): unknown => send("DELETE", `${path}/contacts/${id}`).then(() => {
    tell(t("{name} is removed", { name: contact.name }), { label: t("Undo"), act: () => void send("POST", `${path}/contacts`, contact).then(changed) });
    return changed();
  });
  return cardOf(t("Contacts"), [button(t("New contact"), add)], h("ul", { class: "story with-buttons" }, ...contacts.map((each) =>
    h("li", {}, h("span", {}, each.duty || "–"),
      h("div", {}, h("p", {}, each.name), h("p", { class: "aside" }, [each.phone, each.email].filter(Boolean).join(" · "))),
      button(t("Remove"), () => forget(each))))));
}

function bookOf(path: string, book: Entry[], changed: () => unknown): HTMLElement {
  const add = (): unknown => formDialog(t("New address"), {
    fields: [
      { name: "label", label: t("Called"), required: true },
      { name: "street", label: t("Street"), required: true, width: "half" }, { name: "house_number", label: t("Number"), width: "half" },
      { name: "postcode", label: t("Postcode"), width: "half" }, { name: "city", label: t("Town"), required: true, width: "half" },
    ],
    button: t("Add"),
    submit: async ({ label, ...address }) => {
      const place = await send<{ id: string }>("POST", "/api/places", address);
      await send("POST", `${path}/address-book`, { label, place_id: place.id });
      void changed();
    },
  });
  const forget = ({ id, label, place_id }: Entry): unknown => send("DELETE", `${path}/address-book/${id}`).then(() => {
    tell(t("{name} is removed", { name: label }), { label: t("Undo"), act: () => void send("POST", `${path}/address-book`, { label, place_id }).then(changed) });
    return changed();
  });
  return cardOf(t("Address book"), [button(t("New address"), add)], h("ul", { class: "story with-buttons" }, ...book.map((each) =>
    h("li", {}, h("span", {}, each.label), h("p", {}), button(t("Remove"), () => forget(each))))));
}

function changePolicy(path: string, saved: () => unknown): unknown {
  return edit<Policy>({
    title: t("Returns and attempts"), read: () => get<Policy>(`${path}/return-policy`), saved,
    fields: (now) => [
      { name: "attempts_max", label: t("Attempts at most"), kind: "number", value: now.attempts_max, required: true, width: "half" },
      { name: "days_to_hand_over", label: t("Days to hand a return over"), kind: "number", value: now.days_to_hand_over, required: true, width: "half" },
      { name: "swap_without_old", label: t("Exchange without the old goods"), kind: "select", value: String(now.swap_without_old), options: yesNo() },
    ],
    save: (typed) => send("PUT", `${path}/return-policy`, {
      attempts_max: Number(typed["attempts_max"]), days_to_hand_over: Number(typed["days_to_hand_over"]), swap_without_old: typed["swap_without_old"] === "true",
    }),
  });
}

function cashOf(id: string, path: string, due: Due[], changed: () => unknown): HTMLElement {
  const pay = (each: Due): unknown => formDialog(t("Pay out the cash"), {
    note: t("{amount} are paid out after {fees} of fees.", { amount: money(each.net_minor, each.currency), fees: money(each.withheld_minor, each.currency) }),
    fields: [{ name: "reference", label: t("Bank's reference"), required: true }],
    button: t("Note that it was paid"),
    submit: async ({ reference }, key) => {
      await send("POST", "/api/remittances", { account_id: id, currency: each.currency, gross_minor: each.gross_minor, reference }, key);
      void changed();
    },
  });
  const agree = (): unknown => formDialog(t("Fees for cash"), {
    fields: [{ name: "withholds", label: t("Fees are kept back from what is paid out"), kind: "select", options: yesNo() }],
    button: t("Save"),
    submit: ({ withholds }) => send("PUT", `${path}/cash-agreement`, { withholds_fees: withholds === "true" }).then(() => tell(t("Saved"))),
  });
  return cardOf(t("Cash taken at doors"), [
    ...due.filter((each) => each.gross_minor > 0).map((each) => button(t("Pay out {amount}", { amount: money(each.net_minor, each.currency) }), () => pay(each), "main")),
    button(t("Fees for cash"), agree),
  ], due.length === 0 ? h("p", { class: "hint" }, t("None is due.")) : facts(due.flatMap((each): [string, string][] => [
    [t("Counted, to pay out"), money(each.net_minor, each.currency)],
    [t("Still with drivers"), money(each.with_drivers_minor, each.currency)],
  ])));
}

export function chooseRule(account: string | null, saved: () => unknown): unknown {
  const rules = ["fewest_splits", "nearest", "priority"];
  return edit<{ rule: string }>({
    title: t("Which warehouse"), saved,
    read: () => get<{ rule: string }>("/api/sourcing-rule", { account }),
    fields: (now) => [{ name: "rule", label: t("Orders are filled from"), kind: "select", value: now.rule, options: rules.map((rule) => [rule, words(rule)]) }],
    save: ({ rule }) => send("PUT", "/api/sourcing-rule", { rule, account_id: account }),
  });
}

/** Month by month, or any other period; on paper too. */
export function statementOf(view: View, path: string): HTMLElement {
  const until = view.query.get("until") ?? today();
  const since = view.query.get("since") ?? `${until.slice(0, 8)}01`;
  const place = h("div", { "aria-live": "polite" });
  const form = h("form", { class: "filters", "aria-label": t("Period") },
    makeField({ name: "since", label: t("From"), kind: "date", value: since }),
    makeField({ name: "until", label: t("Until and including"), kind: "date", value: until }));
  const show = async (): Promise<void> => {
    const period = Object.fromEntries(new FormData(form)) as Values;
    try {
      const told = await get<Statement>(`${path}/statement`, period);
      const balance = (label: string, minor: number): HTMLElement => h("p", {}, `${label}: `, h("strong", {}, money(minor, told.currency)));
      place.replaceChildren(
        balance(t("Owed before"), told.opening_minor),
        told.lines.length === 0 ? h("p", { class: "hint" }, t("Nothing happened in this time.")) : plainTable(t("Statement"), [
          { title: t("Day"), text: (line) => date(line.day) },
          { title: t("What"), text: (line) => words(line.kind) },
          { title: t("Number"), text: (line) => line.name },
          { title: t("Amount"), kind: "number", text: (line) => money(line.amount_minor, told.currency) },
          { title: t("Owed"), kind: "number", text: (line) => money(line.balance_minor, told.currency) },
        ], told.lines),
        balance(t("Owed after"), told.closing_minor),
        h("p", { class: "buttons" }, h("a", { href: `${path}/statement.pdf${queryText(period)}`, target: "_blank" }, t("As a letter (PDF)"))));
    } catch (error) {
      place.replaceChildren(h("p", { class: "notice", role: "alert" }, (error as Error).message));
    }
  };
  form.onchange = () => void show();
  void show();
  return cardOf(t("Statement"), [], form, place);
}

export const openAccount = (id: string): void => go(roomUrl("billing", "accounts", id));
