/** A price list as a form: what the server calls rules, in fields and back. */

import { locale, t } from "../language";
import { Refusal } from "../api";
import type { Field, Values } from "../parts/form";
import { readRows, writeRows, type Row, type RowColumn } from "../parts/rows";
import { majorOf, minorOf, words } from "../values";

/** In the form an amount is in the currency, a percentage in percent, a weight in kg, a way in km. */
type Kind = "amount" | "percent" | "count" | "thousand";

interface Asked {
  name: string;
  label: string;
  kind: Kind;
  /** Needed as soon as anything of the part is typed. */
  required?: boolean;
}

interface Part {
  part: string;
  title: string;
  hint?: string;
  asks: Asked[];
}

interface Table {
  name: string;
  title: string;
  hint?: string;
  columns: (RowColumn & { as?: Kind })[];
}

interface Hours { from_local: string; until_local: string; weekdays: number[] }
type Amounts = Record<string, number | undefined>;

export interface Rules {
  distance?: { bands: Amounts[]; beeline_percent: number } | null;
  weight?: { bands: Amounts[]; per: string; volumetric_divisor: number | null; assume_g: number | null } | null;
  zones?: { code: string; country: string; prefixes: string[]; polygon?: unknown[] }[];
  zone_to_zone?: { prices: { origin: string; destination: string; minor: number }[]; both_ways: boolean } | null;
  times_of_day?: { hours: Hours; minor: number; percent_bp: number }[];
  congestion?: { zones: string[]; hours: Hours; minor: number; percent_bp: number }[];
  minimum_minor?: number;
  vat_code?: string;
  note?: string;
  [part: string]: unknown;
}

const amount = (label = t("Amount")): Asked => ({ name: "minor", label, kind: "amount", required: true });
const percent = (label: string): Asked => ({ name: "percent_bp", label, kind: "percent" });
const free = (label: string): Asked => ({ name: "free", label, kind: "count" });

const parts = (): Part[] => [
  { part: "flat", title: t("For the whole consignment"), asks: [amount()] },
  { part: "per_stop", title: t("For each stop"), asks: [amount(), free(t("Free stops"))] },
  { part: "per_parcel", title: t("For each parcel"), asks: [amount(), free(t("Free parcels"))] },
  { part: "fuel", title: t("Fuel"), asks: [{ ...percent(t("% of the freight")), required: true }] },
  {
    part: "waiting", title: t("Waiting at a door"), asks: [
      amount(t("For each unit")), { name: "unit_minutes", label: t("Unit, minutes"), kind: "count", required: true },
      { name: "free_minutes", label: t("Free minutes"), kind: "count", required: true },
    ],
  },
  { part: "cash_fee", title: t("Cash taken at the door"), asks: [{ ...amount(), required: false }, percent(t("% of the cash")), { name: "least_minor", label: t("At least"), kind: "amount" }] },
  { part: "return_fee", title: t("A way back"), hint: t("Empty: as much as the way out"), asks: [{ ...amount(), required: false }, percent(t("% of the freight"))] },
  { part: "reattempt", title: t("An attempt in vain"), asks: [{ ...amount(), required: false }, percent(t("% of the freight")), free(t("Free attempts"))] },
];

const money = (name: string, label: string): RowColumn & { as: Kind } => ({ name, label, kind: "number", as: "amount" });

const hours = (): Table["columns"] => [
  { name: "from_local", label: t("From"), kind: "time", first: "18:00" },
  { name: "until_local", label: t("until"), kind: "time", first: "06:00" },
  { name: "weekdays", label: t("On"), kind: "select", options: weekdayChoices(), first: "1234567" },
  money("minor", t("Amount")),
  { name: "percent_bp", label: t("% of the freight"), kind: "number", as: "percent" },
];

const tables = (): Table[] => [
  {
    name: "distance.bands", title: t("By the way"), hint: t("Empty: without limit"), columns: [
      { name: "up_to", label: t("Up to, km"), kind: "number", as: "thousand" }, money("minor", t("Amount")), money("more_minor", t("and for each km more")),
    ],
  },
  {
    name: "weight.bands", title: t("By weight"), hint: t("Empty: without limit"), columns: [
      { name: "up_to", label: t("Up to, kg"), kind: "number", as: "thousand" }, money("minor", t("Amount")), money("more_minor", t("and for each kg more")),
    ],
  },
  {
    name: "zones", title: t("Zones"), hint: t("By the beginnings of postcodes; the first zone that fits counts"), columns: [
      { name: "code", label: t("Zone") }, { name: "country", label: t("Country") }, { name: "prefixes", label: t("Postcodes begin with") },
    ],
  },
  {
    name: "zone_to_zone.prices", title: t("From zone to zone"), hint: t("* is any zone; the first that fits counts"), columns: [
      { name: "origin", label: t("From"), first: "*" }, { name: "destination", label: t("to"), first: "*" }, money("minor", t("Amount")),
    ],
  },
  { name: "times_of_day", title: t("By the time of day"), columns: hours() },
  { name: "congestion", title: t("Into crowded zones"), columns: [{ name: "zones", label: t("Zones") }, ...hours()] },
];

const WEEKDAYS = ["1234567", "12345", "67", "1", "2", "3", "4", "5", "6", "7"];

/** 2024 began with a Monday. */
function weekdayChoices(): [string, string][] {
  const format = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
  const name = (day: string): string => format.format(Date.UTC(2024, 0, Number(day)));
  return WEEKDAYS.map((days) => [days, days === "1234567" ? t("Every day") : days === "12345" ? `${name("1")} – ${name("5")}` : [...days].map(name).join(", ")]);
}

/** The fields of a price list, filled in with the rules in this currency. */
export function ruleFields(rules: Rules, currency: string): Field[] {
  const of = (part: string): Record<string, number | null | undefined> => (rules[part] ?? {}) as Record<string, number | null | undefined>;
  /** What need not be there is left empty when it is nothing; an amount of 0 says that the part is free. */
  const field = (part: string, { name, label, kind, required }: Asked, width: Field["width"]): Field => {
    const value = required || name === "minor" ? of(part)[name] : of(part)[name] || undefined;
    return { name: `rules.${part}.${name}`, label, kind: "number", value: shownAs(value, kind, currency), ...(width && { width }) };
  };
  const choice = (name: string, label: string, options: [string, string][], value: string): Field =>
    ({ name: `rules.${name}`, label, kind: "select", options, value, width: "third" });
  const rowsOf = (name: string): Field[] => tables().filter((table) => table.name === name).map(({ title, hint, columns }): Field =>
    ({ name: `rules.${name}`, label: title, kind: "rows", columns, value: writeRows(tableOf(name, rules, currency)), ...(hint && { hint }) }));
  return [
    ...parts().flatMap(({ part, title, hint, asks }): Field[] => [
      { name: "", label: title, kind: "heading", ...(hint && { hint }) }, ...asks.map((ask) => field(part, ask, "third")),
    ]),
    ...rowsOf("distance.bands"),
    field("distance", { name: "beeline_percent", label: t("Air line, %"), kind: "count" }, "third"),
    ...rowsOf("weight.bands"),
    choice("weight.per", t("Weighed"), [["consignment", t("all together")], ["parcel", t("each parcel")]], rules.weight?.per ?? "consignment"),
    field("weight", { name: "volumetric_divisor", label: t("cm³ that count as 1 kg"), kind: "count" }, "third"),
    field("weight", { name: "assume_g", label: t("Not weighed: count, kg"), kind: "thousand" }, "third"),
    ...rowsOf("zones"), ...rowsOf("zone_to_zone.prices"),
    choice("zone_to_zone.both_ways", t("Holds for the way back too"), [["false", t("No")], ["true", t("Yes")]], String(rules.zone_to_zone?.both_ways ?? false)),
    ...rowsOf("times_of_day"), ...rowsOf("congestion"),
    { name: "", label: t("All in all"), kind: "heading" },
    { name: "rules.minimum_minor", label: t("At least"), kind: "number", width: "third", value: rules.minimum_minor ? shownAs(rules.minimum_minor, "amount", currency) : "" },
    choice("vat_code", t("VAT"), ["standard", "reduced", "zero", "exempt"].map((code) => [code, words(code)]), rules.vat_code ?? "standard"),
    { name: "rules.note", label: t("Note"), value: rules.note ?? "" },
  ];
}

/** Back from what was typed; what is no number is told at its field. */
export function rulesOf(typed: Values, currency: string): Rules {
  const number = (name: string, kind: Kind): number | undefined => numberOf(typed[`rules.${name}`] ?? "", kind, currency, `rules.${name}`);
  const rules: Rules = { vat_code: typed["rules.vat_code"] ?? "standard", note: typed["rules.note"] ?? "" };
  for (const { part, asks } of parts()) {
    const given = Object.fromEntries(asks.map(({ name, kind }) => [name, number(`${part}.${name}`, kind)]));
    if (Object.values(given).every((value) => value === undefined)) continue;
    const missing = asks.find(({ name, required }) => required && given[name] === undefined);
    if (missing) throw wrongAt(`rules.${part}.${missing.name}`, t("This is needed too."));
    rules[part] = given;
  }
  const rows = (name: string): Record<string, unknown>[] => readTable(name, typed[`rules.${name}`], currency);
  const some = (name: string): Record<string, unknown>[] | undefined => (rows(name).length > 0 ? rows(name) : undefined);
  const [ways, weights, prices] = [some("distance.bands"), some("weight.bands"), some("zone_to_zone.prices")] as [Amounts[]?, Amounts[]?, Amounts[]?];
  if (ways) rules.distance = { bands: ways, beeline_percent: number("distance.beeline_percent", "count") ?? 130 };
  if (weights) {
    rules.weight = {
      bands: weights, per: typed["rules.weight.per"] ?? "consignment",
      volumetric_divisor: number("weight.volumetric_divisor", "count") ?? null, assume_g: number("weight.assume_g", "thousand") ?? null,
    };
  }
  if (prices) rules["zone_to_zone"] = { prices: prices as never, both_ways: typed["rules.zone_to_zone.both_ways"] === "true" };
  for (const name of ["zones", "times_of_day", "congestion"]) rules[name] = rows(name);
  rules.minimum_minor = number("minimum_minor", "amount") ?? 0;
  return rules;
}

function tableOf(name: string, rules: Rules, currency: string): Row[] {
  const clock = ({ from_local, until_local, weekdays }: Hours): Row =>
    ({ from_local: from_local.slice(0, 5), until_local: until_local.slice(0, 5), weekdays: weekdays.join("") });
  const extra = (each: { minor: number; percent_bp: number }): Row =>
    ({ minor: shownAs(each.minor || undefined, "amount", currency), percent_bp: shownAs(each.percent_bp || undefined, "percent", currency) });
  const bands = (from: Amounts[] = []): Row[] => from.map((band) => ({
    up_to: shownAs(band["up_to"], "thousand", currency), minor: shownAs(band["minor"], "amount", currency), more_minor: shownAs(band["more_minor"] || undefined, "amount", currency),
  }));
  switch (name) {
    case "distance.bands": return bands(rules.distance?.bands);
    case "weight.bands": return bands(rules.weight?.bands);
    case "zones": return (rules.zones ?? []).map(({ code, country, prefixes, polygon }) =>
      ({ code, country, prefixes: prefixes.join(", "), ...(polygon?.length && { polygon: JSON.stringify(polygon) }) }));
    case "zone_to_zone.prices": return (rules.zone_to_zone?.prices ?? []).map((each) => ({ ...each, minor: shownAs(each.minor, "amount", currency) }));
    case "times_of_day": return (rules.times_of_day ?? []).map((each) => ({ ...clock(each.hours), ...extra(each) }));
    default: return (rules.congestion ?? []).map((each) => ({ zones: each.zones.join(", "), ...clock(each.hours), ...extra(each) }));
  }
}

function readTable(name: string, value: string | undefined, currency: string): Record<string, unknown>[] {
  const columns = tables().find((table) => table.name === name)?.columns ?? [];
  const list = (typed = ""): string[] => typed.split(",").map((each) => each.trim()).filter(Boolean);
  return readRows(value).map((row, index) => {
    const read: Record<string, unknown> = Object.fromEntries(columns.map((column) => [column.name, column.as
      ? numberOf(row[column.name] ?? "", column.as, currency, `rules.${name}`, index + 1)
      : (row[column.name] ?? "")]));
    if (name.endsWith(".bands")) read["up_to"] ??= null;
    if (name === "zones") return { ...read, country: String(read["country"]).toUpperCase(), prefixes: list(row["prefixes"]), polygon: JSON.parse(row["polygon"] ?? "[]") };
    if (!("from_local" in read)) return read;
    const { from_local, until_local, weekdays, zones, ...rest } = read;
    const at = { from_local: `${from_local}:00`, until_local: `${until_local}:00`, weekdays: [...String(weekdays)].map(Number) };
    return { ...rest, hours: at, ...(zones !== undefined && { zones: list(String(zones)) }) };
  });
}

function shownAs(value: number | null | undefined, kind: Kind, currency: string): string {
  if (value == null) return "";
  if (kind === "amount") return majorOf(value, currency);
  return String(kind === "percent" ? value / 100 : kind === "thousand" ? value / 1000 : value);
}

function numberOf(typed: string, kind: Kind, currency: string, at: string, row?: number): number | undefined {
  if (typed === "") return undefined;
  const number = Number(typed.replace(",", "."));
  if (!Number.isFinite(number) || number < 0) {
    const sentence = t("“{typed}” is no number of 0 or more.", { typed });
    throw wrongAt(at, row === undefined ? sentence : t("Row {n}: {sentence}", { n: row, sentence }));
  }
  if (kind === "amount") return minorOf(typed, currency);
  return Math.round(kind === "percent" ? number * 100 : kind === "thousand" ? number * 1000 : number);
}

const wrongAt = (field: string, detail: string): Refusal => new Refusal(422, { code: "typed", detail, field });
