/** What the server keeps beside an exception or a deed, by names of its own, as people read it. */

import { t } from "../language";
import { fleet } from "../live";
import { translated } from "../server_words";
import { count, dateTime, money, words } from "../values";

export type Details = Record<string, unknown>;

/** Names and values; without what is empty, and without ids of what has no name for people. */
export function detailPairs(details: Details): [name: string, value: string][] {
  const isMoney = Object.keys(details).some((name) => name.endsWith("_minor"));
  return Object.entries(details)
    .filter(([name, value]) => value !== "" && !(isMoney && name === "currency") && !isNameless(Array.isArray(value) ? value[0] : value))
    .map(([name, value]) => pairOf(name, value, String(details["currency"] ?? "")));
}

/** Minor units become money of the currency beside them; other units stand with their numbers. */
function pairOf(name: string, value: unknown, currency: string): [string, string] {
  const [, thing = name, unit] = /^(.*)_(minor|mm|ml|m|g|s|h|kmh)$/.exec(name) ?? [];
  if (unit === undefined || typeof value !== "number") return [words(name), valueWords(value)];
  if (unit === "minor") return [words(thing === "amount" ? thing : `${thing}_amount`), money(value, currency)];
  return [words(thing), `${count(value)} ${unit === "kmh" ? "km/h" : unit}`];
}

function valueWords(value: unknown): string {
  if (value === null || value === "") return "–";
  if (typeof value === "boolean") return value ? t("Yes") : t("No");
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return value.map(valueWords).join(", ") || "–";
  if (typeof value === "object") {
    return detailPairs(value as Details).map(([name, each]) => `${name}: ${each}`).join(", ");
  }
  const text = String(value);
  if (/^\d{4}-\d\d-\d\dT/.test(text)) return dateTime(text);
  return fleet.nameOf(text) ?? (/^[a-z]+(_[a-z]+)+$/.test(text) ? words(text) : translated(text));
}

/** An id of what has no name for people, as a driver has. */
const isNameless = (value: unknown): boolean =>
  typeof value === "string" && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value) && fleet.nameOf(value) === undefined;
