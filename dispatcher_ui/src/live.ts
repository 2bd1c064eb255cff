/** The live room: puts together the connection, the list and the map. */

import { get } from "./api";
import { Fleet } from "./fleet";
import type { LonLat } from "./frames";
import { freshnessOf } from "./freshness";
import { t, tn } from "./language";
import { durationWords, exceptionWords, freshnessWords, timeOf } from "./live_words";
import type { FleetMap } from "./map";
import { make, part, say } from "./page";
import { RunList, type Selection } from "./run_list";
import { LiveSocket } from "./socket";

/** The server sends no more than these. */
const EXCEPTIONS_MAX = 200;
const HEARD_WITHIN_MS = 2_000;

export const fleet = new Fleet();
let selection: Selection | undefined;
let map: FleetMap | undefined;
let isCurrent = false;
let isScheduled = false;

const list = new RunList(part("runs"), part("no-runs"), choose);
let socket: LiveSocket | undefined;

// For the browser's console, and for tests that look where something is drawn.
Object.assign(window, {
  postrider: {
    markerOf: (driverId: string) => map?.markerOf(driverId),
    countLines: () => map?.countLines() ?? 0,
    lineOf: (runId: string) => map?.lineOf(runId),
    pixelOf: (driverId: string) => map?.pixelOf(driverId),
    isDrawn: () => map?.isDrawn() ?? false,
    isUseful: () => map?.isUseful() ?? false,
  },
});

let isShown = true;
let isMapWanted = true;
let hasHeard = (): void => undefined;
/** Where the drivers are is known soon: so their streets are the first that are drawn, not others
 * around a depot. */
const heard = Promise.race([
  new Promise<void>((resolve) => (hasHeard = resolve)),
  new Promise<void>((resolve) => setTimeout(resolve, HEARD_WITHIN_MS)),
]);
let narrowedTo = "";

/** mayReconnect: asked when the connection was lost. */
export function startLive(mayReconnect: () => Promise<boolean>): void {
  socket = new LiveSocket(
    (frame) => {
      fleet.apply(frame);
      hasHeard();
      isCurrent = frame.is_current;
      document.body.dataset["cursor"] = String(frame.cursor);
      schedule();
    },
    (moves) => {
      fleet.move(moves);
      schedule();
    },
    mayReconnect,
  );
  socket.connect();
  setInterval(update, 1_000); // ages grow and lateness with them, news or not
  part<HTMLInputElement>("narrow").oninput = ({ target }) => {
    narrowedTo = (target as HTMLInputElement).value;
    update();
  };
}

/** While another room is open only the badge is kept up; the map is not loaded before its time. */
export function showLive(shown: boolean): void {
  isShown = shown;
  if (!shown) return;
  update();
  if (isMapWanted) void openMap();
  isMapWanted = false;
}

/** Open a driver's run, from elsewhere in the console. */
export const chooseDriver = (driverId: string): void =>
  choose({ key: fleet.keyOfDriver(driverId), stopId: undefined });

/** Ask for the largest part of the page while nobody yet knows who is signed in. */
export function fetchMap(): void {
  void import("./map").catch(() => undefined); // openMap tells of it
}

async function openMap(): Promise<void> {
  try {
    const [{ canDrawMaps, FleetMap }, at] = await Promise.all([import("./map"), homeOf(), heard]);
    if (!canDrawMaps()) throw new Error("WebGL is off");
    const lookAt = (bounds: [LonLat, LonLat]): unknown => socket?.show(bounds);
    map = new FleetMap(part("map"), fleet, choose, lookAt, () => follow(false), tellOfMap, at);
    part("follow").onclick = () => follow(part("follow").ariaPressed !== "true");
    map.update(selection);
  } catch {
    tellOfMap(false);
  }
}

/** Where a depot is; streets are there before anybody's position. */
async function homeOf(): Promise<LonLat | undefined> {
  const depots = await get<{ position: LonLat }[]>("/api/depots").catch(() => []);
  return depots[0]?.position;
}

function tellOfMap(canDraw: boolean): void {
  part("stage").hidden = !canDraw;
  document.body.classList.toggle("without-map", !canDraw);
  part("notice").hidden = canDraw;
  if (!canDraw) notify(t("This browser cannot draw the map (WebGL is off). The list says all that it would."));
}

/** Select on the list and on the map; nothing when undefined. */
function choose(wanted: Selection | undefined): void {
  selection = wanted;
  part("follow").hidden = map === undefined || wanted === undefined;
  if (wanted === undefined) follow(false);
  update();
  map?.update(selection);
  if (wanted === undefined) return;
  list.scrollTo(wanted.key);
  map?.show(wanted);
}

function follow(isWanted: boolean): void {
  part("follow").ariaPressed = String(isWanted);
  if (map === undefined) return;
  map.isFollowing = isWanted;
  map.update(selection);
}

/** However many frames come, draw once per picture. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    update();
    if (isShown) map?.update(selection);
  });
}

function update(): void {
  showFreshness();
  if (!isShown) return;
  list.update(fleet, selection, narrowedTo);
  showExceptions();
}

function showFreshness(): void {
  if (socket === undefined) return;
  const { heardAtMs, isOpen } = socket;
  const silentMs = heardAtMs === null ? null : Date.now() - heardAtMs;
  const freshness = freshnessOf(silentMs, isOpen, isCurrent);
  const badge = part("freshness");
  if (badge.parentElement) badge.parentElement.dataset["freshness"] = freshness;
  say(badge, heardAtMs === null ? t("Connecting") : freshnessWords(freshness));
  const isSilent = silentMs !== null && freshness !== "live";
  say(part("heard"), isSilent ? t("last heard {age} ago", { age: durationWords(silentMs / 1000) }) : "");
}

function showExceptions(): void {
  const open = [...fleet.exceptions.values()].sort((a, b) => b.raised_at.localeCompare(a.raised_at));
  part("exceptions").hidden = open.length === 0;
  const count = open.length < EXCEPTIONS_MAX ? open.length : t("{n} or more", { n: EXCEPTIONS_MAX });
  say(part("exceptions-count"), tn(open.length, "1 exception to settle", "{n} exceptions to settle", { n: count }));
  const lines = open.map((each) => {
    const name = each.driver_id && fleet.nameOf(each.driver_id);
    return `${timeOf(each.raised_at)} ${name ? `${name}: ` : ""}${exceptionWords(each)}`;
  });
  const shown = part("exceptions-list");
  if (shown.dataset["lines"] === lines.join("\n")) return;
  shown.dataset["lines"] = lines.join("\n");
  shown.replaceChildren(...lines.map((line) => make("li", "", line)));
}

export function notify(sentence: string): void {
  const notice = part("notice");
  notice.hidden = false;
  say(notice, sentence);
}
