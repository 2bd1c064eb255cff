/** What the company has settled for everybody: its legal entities, taxes, services, rules, boxes. */

import { get, getAll, queryText, send } from "../api";
import { today } from "../clock";
import { t, tn } from "../language";
import { whoIs } from "../names";
import { h } from "../page";
import { button, cardOf, edit, yesNo } from "../parts/edit";
import type { Field, Values } from "../parts/form";
import { showListing, showTabs } from "../parts/listing";
import { showSettings } from "../parts/settings";
import { facts } from "../parts/table";
import { showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, date, dateTime, duration, kilograms, money, words } from "../values";
import { chooseRule } from "./account";
import { accountOptions, payingAccounts } from "./orders";
import { reasonText } from "./return_reasons";

interface Address { street: string; extra?: string; postcode?: string; city: string; country: string }
interface Entity { code: string; profile: { name: string; address: Address; [field: string]: unknown } }
interface Rate { country: string; code: string; valid_from: string; rate_bp: number; exemption_reason: string; label: string }
interface Level { code: string; name: string; cut_off_local: string; days_after: number; window_start_local: string; window_end_local: string; within_s: number | null }
interface Rules {
  duplicate_within_s: number | null; repeat_within_s: number | null; cash_limit_minor: number | null; new_place_orders: number | null;
  cancel_free_until_s: number | null; cancel_fee_minor: number;
}
interface Block { id: string; kind: string; value: string; reason: string; created_at: string; created_by: string }
interface Reason {
  code: string; text_en: string; text_de: string; text_es: string; window_days: number | null; fee_minor: number; payer: string;
  photo_required: boolean; auto_approve: boolean; active: boolean;
}
interface Carton { code: string; name: string; inner_length_mm: number; inner_width_mm: number; inner_height_mm: number; max_weight_g: number; tare_g: number; active: boolean }
interface Point { id: string; name: string; hours: string; line: string; active: boolean }
interface Columns { name: string; columns: Record<string, string> }

const HOUR_S = 3_600;

export function open(view: View): Promise<void> {
  return showTabs(view, "company", [
    { path: "", title: t("Legal entities"), show: (place) => showEntities(view, place) },
    { path: "vat", title: t("VAT"), show: (place) => showRates(view, place) },
    { path: "services", title: t("Services"), show: (place) => showLevels(view, place) },
    { path: "rules", title: t("Rules for orders"), show: (place) => showRules(place) },
    { path: "blocked", title: t("Blocked consignees"), show: (place) => void showBlocked(view, place) },
    { path: "reasons", title: t("Return reasons"), show: (place) => showReasons(view, place) },
    { path: "cartons", title: t("Cartons"), show: (place) => showCartons(view, place) },
    { path: "points", title: t("Pickup points"), show: (place) => void showPoints(view, place) },
    { path: "columns", title: t("Import columns"), show: (place) => showProfiles(view, place) },
  ]);
}

const ENTITY_FIELDS: [string, string][] = [
  ["vat_id", "VAT number"], ["tax_number", "Tax number"], ["registration", "Register"], ["contact_name", "Contact"], ["phone", "Phone"],
  ["email", "Email"], ["website", "Website"], ["iban", "IBAN"], ["bic", "BIC"], ["bank_name", "Bank"], ["peppol_id", "Peppol address"],
  ["invoice_prefix", "Invoice numbers begin"], ["credit_note_prefix", "Credit note numbers begin"], ["timezone", "Time zone"],
];

function showEntities(view: View, place: HTMLElement): void {
  showSettings<Entity>(view, place, {
    label: t("Legal entities"), path: "/api/companies", keyOf: (each) => each.code, add: t("New legal entity"),
    columns: [
      { title: t("Name"), text: (each) => each.profile.name },
      { title: t("Code"), text: (each) => each.code },
      { title: t("Town"), text: (each) => `${each.profile.address.city}, ${each.profile.address.country}` },
      { title: t("VAT number"), text: (each) => String(each.profile["vat_id"] ?? "") },
      { title: "IBAN", text: (each) => String(each.profile["iban"] ?? "") },
    ],
    fields: (each) => [
      { name: "code", label: t("Code"), required: true, value: each?.code ?? "", width: "third", hint: t("Letters, digits and hyphens, such as ACME") },
      { name: "name", label: t("Name"), required: true, value: each?.profile.name ?? "", width: "half" },
      { name: "street", label: t("Street"), required: true, value: each?.profile.address.street ?? "" },
      { name: "postcode", label: t("Postcode"), value: each?.profile.address.postcode ?? "", width: "third" },
      { name: "city", label: t("Town"), required: true, value: each?.profile.address.city ?? "", width: "third" },
      { name: "country", label: t("Country"), required: true, value: each?.profile.address.country ?? "", width: "third", hint: t("Two letters, such as CH") },
      ...ENTITY_FIELDS.filter(([name]) => each || !name.endsWith("prefix")).map(([name, label]): Field =>
        ({ name, label: t(label), value: String(each?.profile[name] ?? (name === "timezone" ? Intl.DateTimeFormat().resolvedOptions().timeZone : "")), width: "half" })),
    ],
    to: (typed, each) => `/api/companies/${each?.code ?? typed["code"]?.toUpperCase()}`,
    body: ({ code: _, street, postcode, city, country = "", ...profile }, each) => ({
      ...each?.profile, ...profile, address: { ...each?.profile.address, street, postcode, city, country: country.toUpperCase() },
    }),
    empty: t("No legal entity is set up: nothing can be invoiced."),
  });
}

function showRates(view: View, place: HTMLElement): void {
  showSettings<Rate>(view, place, {
    label: t("VAT"), path: "/api/vat-rates", keyOf: (each) => `${each.country} ${each.code} ${each.valid_from}`, add: t("New rate"),
    columns: [
      { title: t("Country"), text: (each) => each.country },
      { title: t("Kind"), kind: "state", text: (each) => words(each.code) },
      { title: t("Rate"), kind: "number", text: (each) => `${each.rate_bp / 100} %`, by: (each) => each.rate_bp },
      { title: t("From"), text: (each) => date(each.valid_from), by: (each) => each.valid_from },
      { title: t("Why exempt"), text: (each) => each.exemption_reason },
    ],
    fields: (each) => [
      { name: "country", label: t("Country"), required: true, value: each?.country ?? "", width: "third", hint: t("Two letters, such as CH") },
      { name: "code", label: t("Kind"), kind: "select", value: each?.code ?? "standard", width: "third", options: ["standard", "reduced", "zero", "exempt"].map((code) => [code, words(code)]) },
      { name: "percent", label: t("Rate, %"), kind: "number", required: true, value: each ? each.rate_bp / 100 : "", width: "third" },
      { name: "valid_from", label: t("From"), kind: "date", required: true, value: each?.valid_from ?? today() },
      { name: "exemption_reason", label: t("Why exempt"), value: each?.exemption_reason ?? "" },
    ],
    body: ({ percent, country = "", ...typed }, each) => ({ ...each, ...typed, country: country.toUpperCase(), rate_bp: Math.round(numberOf(percent) * 100) }),
    empty: t("No rate is known yet."),
  });
}

function showLevels(view: View, place: HTMLElement): void {
  const clock = (local: string | undefined): string => local?.slice(0, 5) ?? "";
  showSettings<Level>(view, place, {
    label: t("Services"), path: "/api/service-levels", keyOf: (each) => each.code, add: t("New service"),
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("Code"), text: (each) => each.code },
      { title: t("Ordered until"), text: (each) => clock(each.cut_off_local) },
      { title: t("Days later"), kind: "number", text: (each) => String(each.days_after), by: (each) => each.days_after },
      { title: t("Delivered"), text: (each) => (each.within_s ? t("within {time}", { time: duration(each.within_s) }) : `${clock(each.window_start_local)} – ${clock(each.window_end_local)}`) },
    ],
    fields: (each) => [
      { name: "code", label: t("Code"), required: true, value: each?.code ?? "", width: "half" },
      { name: "name", label: t("Name"), required: true, value: each?.name ?? "", width: "half" },
      { name: "cut_off_local", label: t("Ordered until"), kind: "time", required: true, value: clock(each?.cut_off_local) || "12:00", width: "half" },
      { name: "days_after", label: t("Days later"), kind: "number", required: true, value: each?.days_after ?? 0, width: "half" },
      { name: "window_start_local", label: t("Delivered from"), kind: "time", required: true, value: clock(each?.window_start_local) || "08:00", width: "half" },
      { name: "window_end_local", label: t("until"), kind: "time", required: true, value: clock(each?.window_end_local) || "18:00", width: "half" },
      { name: "minutes", label: t("Or within so many minutes"), kind: "number", value: each?.within_s ? each.within_s / 60 : "" },
    ],
    body: ({ minutes, ...typed }) => ({
      ...typed, days_after: numberOf(typed["days_after"]), within_s: minutes ? numberOf(minutes) * 60 : null,
      ...Object.fromEntries(["cut_off_local", "window_start_local", "window_end_local"].map((name) => [name, `${clock(typed[name])}:00`])),
    }),
    empty: t("There is no service yet."),
  });
}

async function showRules(place: HTMLElement): Promise<void> {
  const path = "/api/order-rules";
  const [rules, { rule }] = await Promise.all([get<Rules>(path), get<{ rule: string }>("/api/sourcing-rule")]);
  const hours = (seconds: number | null): string => (seconds === null ? "" : String(seconds / HOUR_S));
  const change = (): unknown => edit<Rules>({
    title: t("Rules for orders"), read: () => get<Rules>(path), saved: showRoom, note: t("Empty: not looked at."),
    fields: (now) => [
      { name: "duplicate_within_s", label: t("The same goods again within"), kind: "number", value: hours(now.duplicate_within_s), hint: t("In hours") },
      { name: "repeat_within_s", label: t("The same consignee again within"), kind: "number", value: hours(now.repeat_within_s), hint: t("In hours") },
      { name: "cash_limit_minor", label: t("Cash of more than"), kind: "number", value: now.cash_limit_minor === null ? "" : now.cash_limit_minor / 100, width: "half" },
      { name: "new_place_orders", label: t("Orders at once to a new address"), kind: "number", value: now.new_place_orders ?? "", width: "half" },
      { name: "cancel_free_until_s", label: t("Cancelling is free until so long before"), kind: "number", value: hours(now.cancel_free_until_s), width: "half", hint: t("In hours") },
      { name: "cancel_fee_minor", label: t("Fee for cancelling later"), kind: "number", value: now.cancel_fee_minor / 100, width: "half" },
    ],
    save: (typed) => send("PUT", path, rulesOf(typed)),
  });
  const told = (seconds: number | null): string => (seconds === null ? t("not looked at") : duration(seconds));
  place.append(h("div", { class: "columns" },
    cardOf(t("What makes an order wait for a person"), [button(t("Change"), change)], facts([
      [t("The same goods again within"), told(rules.duplicate_within_s)],
      [t("The same consignee again within"), told(rules.repeat_within_s)],
      [t("Cash of more than"), money(rules.cash_limit_minor, "")],
      [t("Orders at once to a new address"), count(rules.new_place_orders)],
      [t("Cancelling is free until so long before"), told(rules.cancel_free_until_s)],
      [t("Fee for cancelling later"), money(rules.cancel_fee_minor, "")],
    ])),
    cardOf(t("Which warehouse"), [button(t("Change"), () => chooseRule(null, showRoom))],
      h("p", {}, t("Where there are several, orders are filled from the one with:"), " ", h("strong", {}, words(rule))),
      h("p", { class: "hint" }, t("An account may have a rule of its own: see its page.")))));
}

function rulesOf(typed: Values): Record<string, number | null> {
  const seconds = (name: string): number | null => (typed[name] ? Math.round(numberOf(typed[name]) * HOUR_S) : null);
  return {
    duplicate_within_s: seconds("duplicate_within_s"), repeat_within_s: seconds("repeat_within_s"), cancel_free_until_s: seconds("cancel_free_until_s"),
    cash_limit_minor: typed["cash_limit_minor"] ? Math.round(numberOf(typed["cash_limit_minor"]) * 100) : null,
    new_place_orders: typed["new_place_orders"] ? numberOf(typed["new_place_orders"]) : null,
    cancel_fee_minor: Math.round(numberOf(typed["cancel_fee_minor"]) * 100),
  };
}

function showBlocked(view: View, place: HTMLElement): void {
  showListing<Block>(view, place, {
    label: t("Blocked consignees"),
    path: "/api/blocked-consignees",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Known by"), kind: "state", text: (each) => words(each.kind) },
      { title: t("Value"), text: (each) => each.value },
      { title: t("Why"), text: (each) => each.reason },
      { title: t("Since"), text: (each) => dateTime(each.created_at), by: (each) => each.created_at },
      { title: t("By"), text: (each) => whoIs(each.created_by) },
    ],
    actions: [{
      label: t("Let through again"),
      act: (each) => send("DELETE", `/api/blocked-consignees/${each.id}`),
      undo: ({ kind, value, reason }) => send("POST", "/api/blocked-consignees", { kind, value, reason }),
    }],
    create: {
      label: t("Block a consignee"),
      form: () => ({
        note: t("Their orders wait until a person has looked at them."),
        fields: [
          { name: "kind", label: t("Known by"), kind: "select", width: "half", options: [["phone", t("Phone")], ["email", t("Email")]] },
          { name: "value", label: t("Value"), required: true, width: "half" },
          { name: "reason", label: t("Why"), required: true },
        ],
        button: t("Block"),
        submit: (values) => send("POST", "/api/blocked-consignees", values),
      }),
    },
    empty: t("Nobody is blocked."),
  });
}

function showReasons(view: View, place: HTMLElement): void {
  const choice = (name: keyof Reason, label: string, value: boolean): Field =>
    ({ name, label, kind: "select", options: yesNo(), value: String(value), width: "third" });
  showSettings<Reason>(view, place, {
    label: t("Return reasons"), path: "/api/return-reasons", keyOf: (each) => each.code, add: t("New reason"),
    columns: [
      { title: t("In words"), text: reasonText },
      { title: t("Code"), text: (each) => each.code },
      { title: t("Within"), text: (each) => (each.window_days === null ? t("any time") : tn(each.window_days, "{n} day", "{n} days")) },
      { title: t("Fee"), kind: "number", text: (each) => money(each.fee_minor, ""), by: (each) => each.fee_minor },
      { title: t("Who pays"), kind: "state", text: (each) => words(each.payer) },
      { title: t("Picture"), text: (each) => (each.photo_required ? t("Yes") : t("No")) },
      { title: t("Approved by itself"), text: (each) => (each.auto_approve ? t("Yes") : t("No")) },
      { title: t("State"), kind: "state", text: (each) => (each.active ? t("Active") : t("Closed")) },
    ],
    fields: (each) => [
      { name: "code", label: t("Code"), required: true, value: each?.code ?? "", width: "half" },
      { name: "payer", label: t("Who pays"), kind: "select", value: each?.payer ?? "consignee", width: "half", options: ["consignee", "account", "company"].map((who) => [who, words(who)]) },
      { name: "text_en", label: t("In English"), required: true, value: each?.text_en ?? "" },
      { name: "text_de", label: t("In German"), required: true, value: each?.text_de ?? "", width: "half" },
      { name: "text_es", label: t("In Spanish"), value: each?.text_es ?? "", width: "half" },
      { name: "window_days", label: t("Days after delivery"), kind: "number", value: each?.window_days ?? "", width: "half", hint: t("Empty: any time") },
      { name: "fee", label: t("Fee"), kind: "number", value: each ? each.fee_minor / 100 : 0, width: "half" },
      choice("photo_required", t("A picture is needed"), each?.photo_required ?? false),
      choice("auto_approve", t("Approved by itself"), each?.auto_approve ?? true),
      choice("active", t("Can be chosen"), each?.active ?? true),
    ],
    body: ({ fee, ...typed }) => ({
      ...typed, fee_minor: Math.round(numberOf(fee) * 100), window_days: typed["window_days"] ? numberOf(typed["window_days"]) : null,
      ...Object.fromEntries(["photo_required", "auto_approve", "active"].map((name) => [name, typed[name] === "true"])),
    }),
    empty: t("There is no reason yet."),
  });
}

function showCartons(view: View, place: HTMLElement): void {
  const size = (name: keyof Carton, label: string, value: number | undefined): Field =>
    ({ name, label, kind: "number", required: true, value: value ?? "", width: "third" });
  showSettings<Carton>(view, place, {
    label: t("Cartons"), path: "/api/cartons", keyOf: (each) => each.code, add: t("New carton"),
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("Code"), text: (each) => each.code },
      { title: t("Inside, mm"), kind: "number", text: (each) => `${each.inner_length_mm} × ${each.inner_width_mm} × ${each.inner_height_mm}`, by: (each) => each.inner_length_mm * each.inner_width_mm * each.inner_height_mm },
      { title: t("Carries"), kind: "number", text: (each) => kilograms(each.max_weight_g), by: (each) => each.max_weight_g },
      { title: t("Weighs"), kind: "number", text: (each) => kilograms(each.tare_g), by: (each) => each.tare_g },
      { title: t("State"), kind: "state", text: (each) => (each.active ? t("Active") : t("Gone")) },
    ],
    fields: (each) => [
      { name: "code", label: t("Code"), required: true, value: each?.code ?? "", width: "half", hint: t("As the barcode on it says") },
      { name: "name", label: t("Name"), required: true, value: each?.name ?? "", width: "half" },
      size("inner_length_mm", t("Length inside, mm"), each?.inner_length_mm),
      size("inner_width_mm", t("Width inside, mm"), each?.inner_width_mm),
      size("inner_height_mm", t("Height inside, mm"), each?.inner_height_mm),
      size("max_weight_g", t("Carries, g"), each?.max_weight_g),
      size("tare_g", t("Weighs, g"), each?.tare_g ?? 0),
      { name: "active", label: t("In use"), kind: "select", options: yesNo(), value: String(each?.active ?? true), width: "third" },
    ],
    body: ({ code, name, active, ...sizes }) => ({
      code, name, active: active === "true", ...Object.fromEntries(Object.entries(sizes).map(([each, typed]) => [each, numberOf(typed)])),
    }),
    empty: t("There is no carton yet: parcels are packed without a proposal."),
  });
}

/** Where customers may fetch their parcels instead of waiting at the door. */
function showPoints(view: View, place: HTMLElement): void {
  const path = (each: Point): string => `/api/pickup-points/${each.id}`;
  const setActive = (active: boolean) => (each: Point): Promise<unknown> => send("PATCH", path(each), { active });
  const reload = showListing<Point>(view, place, {
    label: t("Pickup points"),
    path: "/api/pickup-points",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("Address"), text: (each) => each.line },
      { title: t("Open"), text: (each) => each.hours },
      { title: t("State"), kind: "state", text: (each) => (each.active ? t("Active") : t("Closed")) },
    ],
    open: (each) => void edit<Point>({
      title: each.name,
      read: async () => (await getAll<Point>("/api/pickup-points", { limit: 200 })).find(({ id }) => id === each.id) ?? each,
      fields: (now) => [
        { name: "name", label: t("Name"), required: true, value: now.name },
        { name: "hours", label: t("Open"), value: now.hours, hint: t("In words, for customers") },
      ],
      save: (typed) => send("PATCH", path(each), typed),
      saved: () => reload(),
    }),
    actions: [
      { label: t("Offer it no more"), isFor: (each) => each.active, act: setActive(false), undo: setActive(true) },
      { label: t("Offer it again"), isFor: (each) => !each.active, act: setActive(true), undo: setActive(false) },
    ],
    create: {
      label: t("New pickup point"),
      form: () => ({
        note: t("Customers nearby may choose it on their tracking page until the goods leave the depot."),
        fields: [
          { name: "name", label: t("Name"), required: true },
          { name: "street", label: t("Street"), required: true, width: "half" },
          { name: "house_number", label: t("Number"), width: "half" },
          { name: "postcode", label: t("Postcode"), width: "half" },
          { name: "city", label: t("Town"), required: true, width: "half" },
          { name: "hours", label: t("Open"), hint: t("In words, for customers") },
        ],
        button: t("Add"),
        submit: async ({ hours, ...address }) => {
          const made = await send<{ id: string }>("POST", "/api/places", address);
          await send("POST", "/api/pickup-points", { name: address["name"], hours, place_id: made.id });
        },
      }),
    },
    empty: t("There is no pickup point: parcels are brought to doors only."),
  });
}

/** Of one account: a column of its files, an equals sign, our name for it; a line for each. */
async function showProfiles(view: View, place: HTMLElement): Promise<void> {
  const accounts = accountOptions(await payingAccounts());
  if (accounts[0] === undefined) {
    return place.append(h("p", { class: "empty" }, t("Orders need somebody who pays. Make an account first."), " ",
      h("a", { href: roomUrl("billing", "accounts") }, t("Accounts"))));
  }
  const [[first]] = accounts;
  const chosen = (): string => view.query.get("account") ?? first;
  const path = (name: string): string => `/api/import-profiles/${encodeURIComponent(name)}`;
  const lines = (each: Columns): string => Object.entries(each.columns).map(([theirs, ours]) => `${theirs} = ${ours}`).join("\n");
  const put = (name: string, columns: Record<string, string>): Promise<unknown> => send("PUT", path(name), { columns, account: chosen() });
  const field = (value = ""): Field =>
    ({ name: "columns", label: t("Columns"), kind: "textarea", required: true, value, hint: t("Their column = our column, a line for each") });
  const reload = showListing<Columns>(view, place, {
    label: t("Import columns"),
    path: "/api/import-profiles",
    keyOf: (each) => each.name,
    filters: [{ name: "account", label: t("Account"), kind: "select", options: accounts, value: chosen() }],
    columns: [{ title: t("Name"), text: (each) => each.name }, { title: t("Columns"), text: (each) => lines(each).replaceAll("\n", ", ") }],
    open: (each) => void edit<Columns>({
      title: each.name,
      read: async () => (await getAll<Columns>("/api/import-profiles", { account: chosen() })).find(({ name }) => name === each.name) ?? each,
      fields: (now) => [field(lines(now))],
      save: (typed) => put(each.name, columnsOf(typed["columns"])),
      saved: () => reload(),
    }),
    actions: [{
      label: t("Delete"),
      act: ({ name }) => send("DELETE", `${path(name)}${queryText({ account: chosen() })}`),
      undo: ({ name, columns }) => put(name, columns),
    }],
    create: {
      label: t("New column names"),
      form: () => ({
        fields: [{ name: "name", label: t("Name"), required: true }, field()],
        button: t("Add"),
        submit: ({ name = "", columns }) => put(name, columnsOf(columns)),
      }),
    },
    empty: t("Usual column names are recognised by themselves. Name others here."),
  });
}

const columnsOf = (typed = ""): Record<string, string> =>
  Object.fromEntries(typed.split("\n").filter((line) => line.includes("=")).map((line) => {
    const [theirs = "", ours = ""] = line.split("=");
    return [theirs.trim(), ours.trim()];
  }));

const numberOf = (typed: string | undefined): number => Number((typed ?? "").replace(",", ".")) || 0;
