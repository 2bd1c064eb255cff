/** How much the screen may be trusted, judged by what has come and when. */

export type Freshness = "live" | "delayed" | "offline";

/** The server sends at least every 3 s. */
const LIVE_WITHIN_MS = 5_000;
const OFFLINE_AFTER_MS = 10_000;
const GRACE_MS = 1_500;

/** silentMs: since the newest frame, null when none came; isCurrent: what that frame said of the
 * server's own view. A closed connection brings nothing more, so there the patience is short. */
export function freshnessOf(
  silentMs: number | null,
  isOpen: boolean,
  isCurrent: boolean,
): Freshness {
  if (silentMs === null || silentMs > OFFLINE_AFTER_MS) return "offline";
  if (!isOpen && silentMs > GRACE_MS) return "offline";
  return isOpen && isCurrent && silentMs <= LIVE_WITHIN_MS ? "live" : "delayed";
}
