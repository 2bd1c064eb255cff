/** What the server has said, in the person's language. A refusal comes as a pattern and its values;
 * other sentences come with their values in them already, and are known by what they look like. */

import { isKnown, serverForms, t } from "./language";
import { date, dateTime, inEnglish, money, words } from "./values";

/** The problem document that the server gives as its reason (RFC 9457). */
export interface Problem {
  code: string;
  /** A sentence in English. */
  detail: string;
  /** The same with {names}; what stands for them is beside it. */
  pattern?: string;
  /** What is wrong where, as the server's decoder says it. */
  fields?: { key?: string; message: string }[];
  [more: string]: unknown;
}

export function refusalWords(problem: Problem): string {
  const { pattern, detail, fields, currency } = problem;
  if (fields) return fields.map(({ key = "", message }) => `${key}: ${faultWords(message)}`).join(" ");
  if (pattern === undefined) return translated(detail);
  return fill(pattern, problem, typeof currency === "string" ? currency : "");
}

/** One sentence or several. What nobody has translated stays as it is. */
export const translated = (text: string): string =>
  wholeOf(text) ?? text.split(/(?<=[.!?]) (?=\p{Lu})/u).map((each) => wholeOf(each) ?? each).join(" ");

function wholeOf(text: string): string | undefined {
  if (isKnown(text)) return t(text);
  for (const { pattern, form } of serverForms()) {
    const values = form.exec(text)?.groups;
    if (values) return fill(pattern, values, "");
  }
  return undefined;
}

const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
const CODE = /^[a-z][a-z_]*$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

function fill(pattern: string, values: Record<string, unknown>, currency: string): string {
  return t(pattern, Object.fromEntries(Object.entries(values).map(([name, value]) => {
    if (typeof value === "number" && name.endsWith("_minor")) return [name, money(value, currency)];
    return [name, typeof value === "string" ? valueWords(value) : String(value ?? "–")];
  })));
}

/** A time, a sentence, or codes with commas between. */
function valueWords(value: string): string {
  if (MOMENT.test(value)) return dateTime(value.replace(" ", "T"));
  if (DAY.test(value)) return date(value);
  if (/[.!?]$/.test(value)) return translated(value);
  return wholeOf(value) ?? value.split(", ").map((each) => (CODE.test(each) && isKnown(inEnglish(each)) ? words(each) : each)).join(", ");
}

/** What the server's decoder says of a field, as a person would. */
export function faultWords(message: string): string {
  const n = /[<>]=? (-?[\d.]+)/.exec(message)?.[1] ?? "";
  const name = /`(\w+)`/.exec(message)?.[1] ?? "";
  if (/got `null`|of length >= 1$/.test(message)) return t("This is needed too.");
  if (message.includes("`array` of length >=")) return t("At least {n} of them.", { n });
  if (message.includes("`array` of length <=")) return t("At most {n} of them.", { n });
  if (message.includes("of length >=")) return t("At least {n} characters.", { n });
  if (message.includes("of length <=")) return t("At most {n} characters.", { n });
  if (/<= \S+$/.test(message)) return t("At most {n}.", { n });
  if (/>= \S+$/.test(message)) return t("At least {n}.", { n });
  if (/< \S+$/.test(message)) return t("Less than {n}.", { n });
  if (/> \S+$/.test(message)) return t("More than {n}.", { n });
  if (/missing required/.test(message)) return t("“{name}” is missing.", { name });
  if (/Expected `(int|float|decimal)/.test(message)) return t("This must be a number.");
  if (/datetime|date|time/.test(message)) return t("This is not a date or time.");
  if (/enum value/.test(message)) return t("Choose one of what is offered.");
  if (/matching regex|Invalid|Expected `/.test(message)) return t("This is not written as it must be.");
  return translated(message);
}
