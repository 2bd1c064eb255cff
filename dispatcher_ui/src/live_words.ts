/** Numbers and states as people say them. */

import type { Progress, StopState } from "./fleet";
import type { ExceptionRecord, RunRecord } from "./frames";
import type { Freshness } from "./freshness";
import { t } from "./language";
import { clockTime, money } from "./values";

const ON_TIME_S = 5 * 60;

export const freshnessWords = (freshness: Freshness): string =>
  ({ live: t("Live"), delayed: t("Delayed"), offline: t("Offline") })[freshness];

export const stopWords = (state: StopState): string =>
  ({
    waiting: t("To do"),
    under_way: t("Under way"),
    done: t("Done"),
    failed: t("Failed"),
  })[state];

export const runWords = (state: RunRecord["state"]): string =>
  ({
    draft: t("Draft"),
    published: t("Not started"),
    started: t("On the road"),
    closed: t("Finished"),
  })[state];

/** What happened, with the values that belong into the sentence. */
export function exceptionWords({ pattern, details }: Pick<ExceptionRecord, "pattern" | "details">): string {
  const { amount_minor: paid, currency } = details;
  const amounts: Record<string, string> = typeof paid === "number" ? { paid: money(paid, String(currency ?? "")) } : {};
  return t(pattern, { ...(details as Record<string, string | number>), ...amounts });
}

export const timeOf = clockTime;

export function durationWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : t("{n} days", { n: Math.floor(hours / 24) });
}

export function latenessWords(progress: Progress): string {
  if (progress.next === undefined) return "";
  if (progress.lateS > ON_TIME_S) return t("{time} late", { time: durationWords(progress.lateS) });
  if (progress.promise === "missed") return t("window missed");
  if (progress.promise === "in_danger") return t("will miss a window");
  return progress.lateS < -ON_TIME_S ? t("{time} early", { time: durationWords(-progress.lateS) }) : t("on time");
}

export const promiseWords = ({ promise }: Progress): string =>
  ({
    kept: "",
    in_danger: t("A customer's window will probably be missed"),
    missed: t("A customer's window is over, and nobody has come"),
  })[promise];

/** How to mark the lateness: a promise is broken, something is late or will be, or all is well. */
export function latenessKind({ lateS, promise }: Progress): "bad" | "late" | "well" {
  if (promise === "missed") return "bad";
  return promise === "in_danger" || lateS > ON_TIME_S ? "late" : "well";
}
