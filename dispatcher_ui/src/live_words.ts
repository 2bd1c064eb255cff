/** Numbers and states as people say them. */

import type { Progress, StopState } from "./fleet";
import type { RunRecord } from "./frames";
import type { Freshness } from "./freshness";
import { t } from "./language";
import { clockTime } from "./values";

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
  if (progress.lateS < -ON_TIME_S) return t("{time} early", { time: durationWords(-progress.lateS) });
  return progress.missesWindow ? t("window missed") : t("on time");
}

/** How to mark the lateness: late for the customer, late by the plan, or well. */
export function latenessKind(progress: Progress): "bad" | "late" | "well" {
  if (progress.missesWindow) return "bad";
  return progress.lateS > ON_TIME_S ? "late" : "well";
}
