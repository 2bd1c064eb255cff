/** One tariff: its price list as a form, and beside it what one consignment would cost by it, and what
 * past work would have cost. */

import { get, send } from "../api";
import { nowMs } from "../clock";
import { t } from "../language";
import { h } from "../page";
import { button, cardOf, editForm } from "../parts/edit";
import { formDialog, makeField, makeForm, valuesOf, type Field, type Values } from "../parts/form";
import { priceLines, type PriceLine } from "../parts/price";
import { plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { translated } from "../server_words";
import { dateTime, localMoment, minorOf, money, momentOf } from "../values";
import { ruleFields, rulesOf, type Rules } from "./tariff_form";

export interface Tariff {
  id: string; name: string; currency: string; valid_from: string; valid_until: string | null; account_id: string | null;
  service_level: string | null; activated_at: string | null; rules: Rules;
}
interface DryRun {
  currency: string; newly_priced: number; unpriceable_count: number;
  accounts: { account_id: string; works?: number; old_total_minor?: number; new_total_minor?: number; difference_minor?: number }[];
  unpriceable: { consignment_id: string; old_minor: number; reason: string }[];
}
interface Account { id: string; name: string }
type NameOf = (accountId: string | null) => string;

const QUIET_MS = 300;
/** The simplest rules to begin with: so much for a stop and a parcel. */
const FIRST_RULES: Rules = { per_stop: { minor: 500 }, per_parcel: { minor: 100 } };

export async function showTariff(view: View, id: string, accounts: Account[], nameOf: NameOf): Promise<void> {
  const model = id === "new" ? view.query.get("like") : id;
  const [tariff, levels] = await Promise.all([
    model ? get<Tariff>(`/api/tariffs/${model}`) : undefined,
    get<{ code: string; name: string }[]>("/api/service-levels").catch(() => []),
  ]);
  const fields = (now?: Tariff): Field[] => [
    { name: "name", label: t("Name"), required: true, value: now?.name ?? "", width: "half" },
    { name: "currency", label: t("Currency"), required: true, value: now?.currency ?? "EUR", width: "half" },
    { name: "account_id", label: t("Account"), kind: "select", value: now?.account_id ?? "", options: [["", t("All")], ...accounts.map((each): [string, string] => [each.id, each.name])], width: "half" },
    { name: "service_level", label: t("Service"), kind: "select", value: now?.service_level ?? "", options: [["", t("All")], ...levels.map((each): [string, string] => [each.code, each.name])], width: "half" },
    { name: "valid_from", label: t("From"), kind: "datetime-local", required: true, value: localMoment(now?.valid_from ?? nowMs()), width: "half" },
    { name: "valid_until", label: t("Until"), kind: "datetime-local", value: now?.valid_until ? localMoment(now.valid_until) : "", width: "half" },
    ...ruleFields(now?.rules ?? FIRST_RULES, now?.currency ?? "EUR"),
  ];
  const isNew = id === "new";
  const isInForce = !isNew && tariff?.activated_at != null;
  const form = isNew
    ? makeForm({
      fields: fields(tariff && { ...tariff, name: t("{name} (copy)", { name: tariff.name }), valid_until: null }), button: t("Make the draft"),
      note: t("A draft: it prices nothing until it is activated, and can be tried on past work first."),
      submit: async (typed, key) => {
        const made = await send<Tariff>("POST", "/api/tariffs", tariffOf(typed), key);
        go(roomUrl("billing", "tariffs", made.id));
      },
    })
    : await editForm<Tariff>({
      read: () => get<Tariff>(`/api/tariffs/${id}`), fields,
      save: (typed) => send("PUT", `/api/tariffs/${id}`, tariffOf(typed)),
      saved: showRoom,
    });
  const typed = (): Values => (isInForce ? shownBy(fields(tariff)) : valuesOf(form));
  if (isInForce) for (const control of form.elements) (control as HTMLInputElement).disabled = true;
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("billing", "tariffs") }, t("← Tariffs"))),
    h("h2", {}, isNew ? t("New tariff") : (tariff?.name ?? ""), " ", !isNew && h("span", { class: "pill" }, isInForce ? t("Active") : t("Draft"))),
    isInForce ? h("p", { class: "hint" }, t("In force since {moment}: it does not change any more. A copy of it can be changed and take its place.", { moment: dateTime(tariff?.valid_from) })) : "",
    isNew ? "" : h("p", { class: "buttons" },
      !isInForce && button(t("Activate"), () => activate(id), "main"),
      isInForce && button(t("End"), () => end(id)),
      button(t("Copy it"), () => go(`${roomUrl("billing", "tariffs", "new")}?like=${id}`))),
    h("div", { class: "columns" },
      h("section", { class: "card" }, form),
      h("div", { class: "stack beside" }, trialOf(form, typed), isNew ? "" : pastOf(id, nameOf))),
  );
}

/** A form that cannot be changed says nothing by itself. */
const shownBy = (fields: Field[]): Values => Object.fromEntries(fields.map(({ name, value }) => [name, String(value ?? "")]));

const tariffOf = ({ service_level, account_id, valid_from, valid_until, currency = "", name, ...typed }: Values): object => ({
  name, currency: currency.toUpperCase(), rules: rulesOf(typed, currency), service_level: service_level || null, account_id: account_id || null,
  valid_from: momentOf(valid_from), valid_until: momentOf(valid_until) ?? null,
});

function activate(id: string): unknown {
  return formDialog(t("Activate"), {
    note: t("From then on it does not change any more."),
    fields: [{ name: "replace", label: t("A tariff in force for the same"), kind: "select", options: [["false", t("stays: then this is refused")], ["true", t("ends where this one begins")]] }],
    button: t("Activate"),
    submit: ({ replace }) => send("POST", `/api/tariffs/${id}/activate`, { replace: replace === "true" }).then(showRoom),
  }, t("It is in force"));
}

const end = (id: string): unknown => formDialog(t("End"), {
  fields: [{ name: "valid_until", label: t("Ends"), kind: "datetime-local", required: true }],
  button: t("End"),
  submit: ({ valid_until }) => send("POST", `/api/tariffs/${id}/end`, { valid_until: momentOf(valid_until) }).then(showRoom),
}, t("Saved"));

/** What one consignment would cost by what stands in the form now, and how that comes about. */
function trialOf(rules: HTMLFormElement, typedRules: () => Values): HTMLElement {
  const told = h("div", { "aria-live": "polite" });
  const half = { width: "third" as const };
  const sample = h("form", { class: "form", "aria-label": t("What one consignment would cost") }, ...[
    { name: "work", label: t("What"), kind: "select" as const, options: [["delivery", t("A delivery")], ["return", t("A way back")], ["attempt", t("An attempt in vain")]] as [string, string][], ...half },
    { name: "parcels", label: t("Parcels"), kind: "number" as const, value: 1, ...half },
    { name: "kg", label: t("Weight of each, kg"), kind: "number" as const, value: 2, ...half },
    { name: "km", label: t("By road, km"), kind: "number" as const, value: 10, ...half },
    { name: "from", label: t("Postcode from"), ...half }, { name: "to", label: t("Postcode to"), ...half },
    { name: "waited", label: t("Waited, minutes"), kind: "number" as const, value: 0, ...half },
    { name: "cash", label: t("Cash"), kind: "number" as const, value: 0, ...half },
    { name: "stops", label: t("Stops"), kind: "number" as const, value: 1, ...half },
    { name: "done_at", label: t("When"), kind: "datetime-local" as const, value: localMoment(nowMs()), width: "half" as const },
  ].map((field) => makeField(field)));
  let asked = 0;
  const show = async (): Promise<void> => {
    const number = ++asked;
    const typed = typedRules();
    try {
      const currency = (typed["currency"] ?? "").toUpperCase();
      const price = await send<{ net_minor: number; lines: PriceLine[] }>("POST", "/api/tariffs/price-trial", {
        currency, rules: rulesOf(typed, currency), sample: sampleOf(valuesOf(sample), currency),
      });
      if (number !== asked) return;
      told.replaceChildren(h("p", {}, h("strong", {}, t("It would cost {amount} net", { amount: money(price.net_minor, currency) }))), priceLines(price.lines, currency));
    } catch (error) {
      if (number === asked) told.replaceChildren(h("p", { class: "notice" }, (error as Error).message));
    }
  };
  let quiet: ReturnType<typeof setTimeout>;
  const soon = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(() => void show(), QUIET_MS);
  };
  for (const form of [rules, sample]) form.addEventListener("input", soon);
  sample.onsubmit = (event) => event.preventDefault();
  void show();
  return cardOf(t("What one consignment would cost"), [], sample, told);
}

function sampleOf(typed: Values, currency: string): object {
  const number = (name: string): number => Number((typed[name] ?? "").replace(",", ".")) || 0;
  const parcel = { weight_g: Math.round(number("kg") * 1000) };
  return {
    work: typed["work"], done_at: momentOf(typed["done_at"]) ?? null, attempt: typed["work"] === "attempt" ? 1 : 0,
    parcels: Array.from({ length: Math.min(Math.max(Math.round(number("parcels")), 1), 200) }, () => parcel),
    road_m: typed["km"] ? Math.round(number("km") * 1000) : null, origin: { postcode: typed["from"] }, destination: { postcode: typed["to"] },
    stops: Math.max(Math.round(number("stops")), 1), waited_s: Math.round(number("waited") * 60), cash_minor: minorOf(typed["cash"] ?? "", currency) ?? 0,
  };
}

/** What work of a time would have cost, against what was charged for it. */
function pastOf(id: string, nameOf: NameOf): HTMLElement {
  const told = h("div", { "aria-live": "polite" });
  const form = makeForm({
    note: t("By the draft as it was saved; nothing is changed. Empty: the last whole month."),
    fields: [
      { name: "since", label: t("From"), kind: "datetime-local", width: "half" },
      { name: "until", label: t("Until"), kind: "datetime-local", width: "half" },
    ],
    button: t("Try it on past work"),
    submit: async ({ since, until }) => {
      const run = await send<DryRun>("POST", `/api/tariffs/${id}/dry-run`, { since: momentOf(since), until: momentOf(until) });
      told.replaceChildren(
        h("p", {}, t("{n} newly priced, {m} could not be priced", { n: run.newly_priced, m: run.unpriceable_count })),
        run.accounts.length === 0 ? h("p", { class: "hint" }, t("No work of this time is for it.")) : plainTable(t("By account"), [
          { title: t("Account"), text: (each) => nameOf(each.account_id) },
          { title: t("Pieces of work"), kind: "number", text: (each) => String(each.works ?? 0) },
          { title: t("Before"), kind: "number", text: (each) => money(each.old_total_minor, run.currency) },
          { title: t("After"), kind: "number", text: (each) => money(each.new_total_minor, run.currency) },
          { title: t("Difference"), kind: "number", text: (each) => money(each.difference_minor, run.currency) },
        ], run.accounts),
        run.unpriceable.length === 0 ? "" : plainTable(t("Not priced any more"), [
          { title: t("Was"), kind: "number", text: (each) => money(each.old_minor, run.currency) },
          { title: t("Why"), text: (each) => translated(each.reason) },
        ], run.unpriceable));
    },
  });
  return cardOf(t("What past work would have cost"), [], form, told);
}
