/** Numbers and states as people say them. */

import type { Progress, StopState } from "./fleet";
import type { RunRecord } from "./frames";

const ON_TIME_S = 5 * 60;

export const FRESHNESS_WORDS = { live: "Live", delayed: "Delayed", offline: "Offline" } as const;

export const STOP_WORDS: Record<StopState, string> = {
  waiting: "To do",
  under_way: "Under way",
  done: "Done",
  failed: "Failed",
};

export const RUN_WORDS: Record<RunRecord["state"], string> = {
  draft: "Draft",
  published: "Not started",
  started: "On the road",
  closed: "Finished",
};

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const timeOf = (iso: string): string => time.format(new Date(iso));

export function durationWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function latenessWords(progress: Progress): string {
  if (progress.next === undefined) return "";
  if (progress.lateS > ON_TIME_S) return `${durationWords(progress.lateS)} late`;
  if (progress.lateS < -ON_TIME_S) return `${durationWords(-progress.lateS)} early`;
  return "on time";
}

/** How to mark the lateness: late for the customer, late by the plan, or well. */
export function latenessKind(progress: Progress): "bad" | "late" | "well" {
  if (progress.missesWindow) return "bad";
  return progress.lateS > ON_TIME_S ? "late" : "well";
}
