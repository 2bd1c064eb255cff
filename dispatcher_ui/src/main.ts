/** The dispatcher's live map: puts together the connection, the list and the map. */

import { getMe, logOut, Refusal, type SignedIn } from "./api";
import { Fleet } from "./fleet";
import { freshnessOf } from "./freshness";
import { RunList, type Selection } from "./list";
import type { FleetMap } from "./map";
import { make, part, say } from "./page";
import { LiveSocket } from "./socket";
import { durationWords, FRESHNESS_WORDS, timeOf } from "./words";

const MAP_ROLES = ["admin", "dispatcher"];
/** The server sends no more than these. */
const EXCEPTIONS_MAX = 200;

const fleet = new Fleet();
let selection: Selection | undefined;
let map: FleetMap | undefined;
let isCurrent = false;
let isScheduled = false;

const list = new RunList(part("runs"), part("no-runs"), choose);
const socket = new LiveSocket((frame) => {
  fleet.apply(frame);
  isCurrent = frame.is_current;
  document.body.dataset["cursor"] = String(frame.cursor);
  schedule();
}, maySeeTheMap);

// For the browser's console, and for tests that look where something is drawn.
Object.assign(window, {
  postrider: {
    markerOf: (driverId: string) => map?.markerOf(driverId),
    lineOf: (runId: string) => map?.lineOf(runId),
    pixelOf: (driverId: string) => map?.pixelOf(driverId),
    isDrawn: () => map?.isDrawn() ?? false,
  },
});

void start();

async function start(): Promise<void> {
  if (!(await maySeeTheMap())) return;
  socket.connect();
  setInterval(update, 1_000); // ages grow and lateness with them, news or not
  await openMap();
}

/** Ask who is signed in; go and sign in if nobody is. When the server is away: try again. */
async function maySeeTheMap(): Promise<boolean> {
  let me: SignedIn;
  try {
    me = await getMe();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status >= 500) return true;
    location.assign("/login");
    return false;
  }
  if (me.person.must_change_password) {
    location.assign("/login");
    return false;
  }
  say(part("person"), me.person.name);
  part("log-out").onclick = () => {
    void logOut(me.csrf_token).finally(() => location.assign("/login"));
  };
  if (MAP_ROLES.includes(me.person.role)) return true;
  notify(`The live map is for dispatchers. You are signed in as ${me.person.role}.`);
  return false;
}

async function openMap(): Promise<void> {
  try {
    const { canDrawMaps, FleetMap } = await import("./map");
    if (!canDrawMaps()) throw new Error("WebGL is off");
    map = new FleetMap(part("map"), fleet, choose);
    map.update(selection);
  } catch {
    part("stage").hidden = true;
    document.body.classList.add("without-map");
    notify("This browser cannot draw the map (WebGL is off). The list says all that it would.");
  }
}

/** Select on the list and on the map; nothing when undefined. */
function choose(wanted: Selection | undefined): void {
  selection = wanted;
  update();
  map?.update(selection);
  if (wanted === undefined) return;
  list.scrollTo(wanted.key);
  map?.show(wanted);
}

/** However many frames come, draw once per picture. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    update();
    map?.update(selection);
  });
}

function update(): void {
  list.update(fleet, selection);
  showFreshness();
  showExceptions();
}

function showFreshness(): void {
  const { heardAtMs, isOpen } = socket;
  const silentMs = heardAtMs === null ? null : Date.now() - heardAtMs;
  const freshness = freshnessOf(silentMs, isOpen, isCurrent);
  const badge = part("freshness");
  if (badge.parentElement) badge.parentElement.dataset["freshness"] = freshness;
  say(badge, heardAtMs === null ? "Connecting" : FRESHNESS_WORDS[freshness]);
  const isSilent = silentMs !== null && freshness !== "live";
  say(part("heard"), isSilent ? `last heard ${durationWords(silentMs / 1000)} ago` : "");
}

function showExceptions(): void {
  const open = [...fleet.exceptions.values()].sort((a, b) => b.raised_at.localeCompare(a.raised_at));
  part("exceptions").hidden = open.length === 0;
  const count = open.length < EXCEPTIONS_MAX ? open.length : `${EXCEPTIONS_MAX} or more`;
  const noun = open.length === 1 ? "exception" : "exceptions";
  say(part("exceptions-count"), `${count} ${noun} to settle`);
  const lines = open.map(({ raised_at: at, sentence, driver_id: driver }) => {
    const name = driver && fleet.entries().find((entry) => entry.driverId === driver)?.name;
    return `${timeOf(at)} ${name ? `${name}: ` : ""}${sentence}`;
  });
  const shown = part("exceptions-list");
  if (shown.dataset["lines"] === lines.join("\n")) return;
  shown.dataset["lines"] = lines.join("\n");
  shown.replaceChildren(...lines.map((line) => make("li", "", line)));
}

function notify(sentence: string): void {
  const notice = part("notice");
  notice.hidden = false;
  say(notice, sentence);
}
