/** Tariffs: drafts are written and tried on past work before they price anything. */

import { get, send } from "../api";
import { nowMs } from "../clock";
import { t } from "../language";
import { h } from "../page";
import { openDialog } from "../parts/dialog";
import { edit } from "../parts/edit";
import { formDialog, type Field } from "../parts/form";
import { showListing } from "../parts/listing";
import { plainTable } from "../parts/table";
import type { View } from "../rooms";
import { dateTime, localMoment, money, momentOf } from "../values";

interface Tariff { id: string; name: string; currency: string; valid_from: string; valid_until: string | null; account_id: string | null; service_level: string | null; activated_at: string | null; rules: unknown }
interface DryRun {
  currency: string; newly_priced: number; unpriceable_count: number;
  accounts: { account_id: string; works?: number; old_total_minor?: number; new_total_minor?: number; difference_minor?: number }[];
}
type NameOf = (accountId: string | null) => string;

/** The simplest rules to begin with: so much for a stop and a parcel. */
const FIRST_RULES = { per_stop: { minor: 500 }, per_parcel: { minor: 100 } };

const tariffFields = (accounts: [string, string][], tariff?: Tariff): Field[] => [
  { name: "name", label: t("Name"), required: true, value: tariff?.name ?? "", width: "half" },
  { name: "currency", label: t("Currency"), required: true, value: tariff?.currency ?? "EUR", width: "half" },
  { name: "account_id", label: t("Account"), kind: "select", value: tariff?.account_id ?? "", options: [["", t("All")], ...accounts], width: "half" },
  { name: "service_level", label: t("Service"), value: tariff?.service_level ?? "", width: "half", hint: t("Its code; empty: all") },
  { name: "valid_from", label: t("From"), kind: "datetime-local", required: true, value: localMoment(tariff?.valid_from ?? nowMs()), width: "half" },
  { name: "rules", label: t("Rules"), kind: "textarea", required: true, value: JSON.stringify(tariff?.rules ?? FIRST_RULES, null, 2), hint: t("As JSON: per_stop, per_parcel, distance, weight, zone_to_zone, fuel and others; amounts in cents") },
];

function tariffOf({ rules = "", service_level, account_id, valid_from, currency = "", name }: Record<string, string>): object {
  let read: unknown;
  try {
    read = JSON.parse(rules);
  } catch (error) {
    throw new Error(t("The rules are no JSON: {why}", { why: (error as Error).message }));
  }
  return {
    name, currency: currency.toUpperCase(), rules: read, service_level: service_level || null, account_id: account_id || null, valid_from: momentOf(valid_from),
  };
}

export function showTariffs(view: View, place: HTMLElement, nameOf: NameOf, accounts: [string, string][]): void {
  const change = ({ id, name }: Tariff): unknown => edit<Tariff>({
    title: name,
    read: () => get<Tariff>(`/api/tariffs/${id}`),
    fields: (now) => tariffFields(accounts, now),
    save: (typed) => send("PUT", `/api/tariffs/${id}`, tariffOf(typed)),
    saved: () => reload(),
  });
  const reload = showListing<Tariff>(view, place, {
    label: t("Tariffs"),
    path: "/api/tariffs",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("State"), kind: "state", text: (each) => (each.activated_at ? t("Active") : t("Draft")) },
      { title: t("Account"), text: (each) => (each.account_id ? nameOf(each.account_id) : t("All")) },
      { title: t("Service"), text: (each) => each.service_level ?? t("All") },
      { title: t("From"), text: (each) => dateTime(each.valid_from), by: (each) => each.valid_from },
      { title: t("Until"), text: (each) => dateTime(each.valid_until), by: (each) => each.valid_until ?? "" },
    ],
    open: (each) => {
      const dialog = openDialog(each.name,
        h("p", { class: "buttons" }, h("button", { type: "button", class: "main", onclick: () => { dialog.close(); dryRun(each, nameOf); } }, t("Try it on past work")),
          each.activated_at === null && h("button", { type: "button", onclick: () => { dialog.close(); void change(each); } }, t("Change"))),
        h("pre", {}, JSON.stringify(each.rules, null, 2)));
    },
    actions: [
      { label: t("Activate"), isFor: (each) => each.activated_at === null, act: (each) => send("POST", `/api/tariffs/${each.id}/activate`, {}) },
      {
        label: t("End"), isFor: (each) => each.activated_at !== null,
        fields: [{ name: "valid_until", label: t("Ends"), kind: "datetime-local", required: true }],
        act: (each, values) => send("POST", `/api/tariffs/${each.id}/end`, { valid_until: momentOf(values["valid_until"]) }),
      },
    ],
    create: {
      label: t("New tariff"),
      form: () => ({
        note: t("A draft: it prices nothing until it is activated, and can be tried on past work first."),
        fields: tariffFields(accounts), button: t("Make the draft"),
        submit: (typed) => send("POST", "/api/tariffs", tariffOf(typed)),
      }),
    },
    empty: t("There is no tariff yet: work is kept and priced once there is one."),
  });
}

function dryRun(tariff: Tariff, nameOf: NameOf): void {
  formDialog(t("Try {name} on past work", { name: tariff.name }), {
    fields: [
      { name: "since", label: t("From"), kind: "datetime-local", width: "half" },
      { name: "until", label: t("Until"), kind: "datetime-local", width: "half" },
    ],
    button: t("Try it"),
    submit: async ({ since, until }) => {
      const told = await send<DryRun>("POST", `/api/tariffs/${tariff.id}/dry-run`, { since: momentOf(since), until: momentOf(until) });
      setTimeout(() => openDialog(t("What it would change"),
        h("p", {}, t("{n} newly priced, {m} could not be priced", { n: told.newly_priced, m: told.unpriceable_count })),
        plainTable(t("By account"), [
          { title: t("Account"), text: (each) => nameOf(each.account_id) },
          { title: t("Before"), kind: "number", text: (each) => money(each.old_total_minor, told.currency) },
          { title: t("After"), kind: "number", text: (each) => money(each.new_total_minor, told.currency) },
          { title: t("Difference"), kind: "number", text: (each) => money(each.difference_minor, told.currency) },
        ], told.accounts)));
    },
  });
}
