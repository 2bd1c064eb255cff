/** Dates, money and measures as people of the chosen locale write them. */

import { locale, t } from "./language";

const MISSING = "–";

/** One for each locale: to make a formatter costs a hundred times what it costs to use it. */
function inLocale<Made>(make: (locale: string) => Made): () => Made {
  let known: { locale: string; made: Made } | undefined;
  return () => {
    if (known?.locale !== locale) known = { locale, made: make(locale) };
    return known.made;
  };
}

const MOMENT = inLocale((of) => new Intl.DateTimeFormat(of, { dateStyle: "short", timeStyle: "short" }));
const CLOCK = inLocale((of) => new Intl.DateTimeFormat(of, { timeStyle: "short" }));
const CLOCK_S = inLocale((of) => new Intl.DateTimeFormat(of, { timeStyle: "medium" }));
const DAY = inLocale((of) => new Intl.DateTimeFormat(of, { dateStyle: "medium", timeZone: "UTC" }));
const COUNT = inLocale((of) => new Intl.NumberFormat(of));
const AMOUNT = inLocale((of) => new Intl.NumberFormat(of, { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const PERCENT = inLocale((of) => new Intl.NumberFormat(of, { style: "percent", maximumFractionDigits: 1 }));
const KILOMETRES = inLocale((of) => new Intl.NumberFormat(of, { style: "unit", unit: "kilometer", maximumFractionDigits: 1 }));
const KILOGRAMS = inLocale((of) => new Intl.NumberFormat(of, { style: "unit", unit: "kilogram", maximumFractionDigits: 2 }));
const SUMS = inLocale(() => new Map<string, Intl.NumberFormat>());

export const dateTime = (iso: string | null | undefined): string =>
  iso ? MOMENT().format(new Date(iso)) : MISSING;

export const clockTime = (iso: string | null | undefined): string =>
  iso ? CLOCK().format(new Date(iso)) : MISSING;

/** Seconds too, for what happens many times a minute. */
export const exactTime = (iso: string): string => CLOCK_S().format(new Date(iso));

/** iso: a day without a time, the same day everywhere. */
export const date = (iso: string | null | undefined): string =>
  iso ? DAY().format(new Date(`${iso.slice(0, 10)}T12:00:00Z`)) : MISSING;

export function span(from: string | null | undefined, until: string | null | undefined): string {
  if (!from && !until) return MISSING;
  return `${dateTime(from)} – ${from?.slice(0, 10) === until?.slice(0, 10) ? clockTime(until) : dateTime(until)}`;
}

/** currency: empty where the server does not say it: the company's own. */
export function money(minor: number | null | undefined, currency: string): string {
  if (minor == null) return MISSING;
  if (currency === "") return AMOUNT().format(minor / 100);
  const format = moneyFormat(currency);
  return format.format(minor / 10 ** decimalsOf(format));
}

/** A difference: +3.20 or −1.05, in the company's currency. */
export const signedMoney = (minor: number): string =>
  `${minor < 0 ? "−" : "+"}${money(Math.abs(minor), "")}`;

/** What somebody typed, as integer minor units; undefined when it is no amount. */
export function minorOf(typed: string, currency: string): number | undefined {
  const number = Number(typed.trim().replace(",", "."));
  if (typed.trim() === "" || !Number.isFinite(number)) return undefined;
  return Math.round(number * 10 ** decimalsOf(moneyFormat(currency)));
}

/** As somebody would type it: 1234 -> 12.34. */
export function majorOf(minor: number, currency: string): string {
  const decimals = decimalsOf(moneyFormat(currency));
  return (minor / 10 ** decimals).toFixed(decimals);
}

export const count = (number: number | null | undefined): string =>
  number == null ? MISSING : COUNT().format(number);

export const kilometres = (metres: number): string => KILOMETRES().format(metres / 1000);

export const kilograms = (grams: number): string => KILOGRAMS().format(grams / 1000);

/** 9,000 -> 2 h 30 min. */
export function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes >= 60 && minutes % 60 === 0) return t("{h} h", { h: minutes / 60 });
  return minutes < 60 ? t("{n} min", { n: minutes }) : t("{h} h {m} min", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

export const percent = (share: number | null): string =>
  share === null ? MISSING : PERCENT().format(share);

/** A state or code of the server as words: out_for_delivery -> Out for delivery. */
export const words = (code: string | null | undefined): string => (code ? t(inEnglish(code)) : MISSING);

export const inEnglish = (code: string): string =>
  code.charAt(0).toUpperCase() + code.slice(1).replaceAll("_", " ");

/** Into the value of <input type="datetime-local"> and out of it. */
export function localMoment(iso: string | number): string {
  const moment = new Date(iso);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
export const momentOf = (local: string | undefined): string | undefined =>
  local ? new Date(local).toISOString() : undefined;

function moneyFormat(currency: string): Intl.NumberFormat {
  const [known, code] = [SUMS(), currency || "EUR"];
  const format = known.get(code) ?? makeMoneyFormat(code);
  known.set(code, format);
  return format;
}

function makeMoneyFormat(code: string): Intl.NumberFormat {
  // A phone may have told anything, and a page must not break for it.
  const isCode = /^[A-Z]{3}$/i.test(code);
  return new Intl.NumberFormat(locale, isCode ? { style: "currency", currency: code } : { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

const decimalsOf = (format: Intl.NumberFormat): number =>
  format.resolvedOptions().maximumFractionDigits ?? 2;
