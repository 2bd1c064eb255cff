/** Where a driver was: the day's trail on the map, replayed with a slider, and as a table. */

import { get } from "../api";
import { clockIsKnown, today } from "../clock";
import { colourOf } from "../colours";
import type { LonLat } from "../frames";
import { t } from "../language";
import { h, say } from "../page";
import { makeField } from "../parts/form";
import { PointMap } from "../parts/point_map";
import { VirtualTable } from "../parts/table";
import { noteQuery } from "../router";
import type { View } from "../rooms";
import { clockTime, count, exactTime, kilometres } from "../values";
import type { Driver } from "./plan_records";
import { type DayOfTrips, tripTable } from "./trips";

interface TrailPoint {
  position: LonLat;
  taken_at: string;
  accuracy_m: number;
  speed_mps: number | null;
}

const STEP_MS = 60;
const STEPS = 400;

export async function open(view: View): Promise<void> {
  const [drivers] = await Promise.all([get<Driver[]>("/api/drivers"), clockIsKnown()]);
  const first = view.query.get("driver") ?? drivers[0]?.id;
  if (first === undefined) {
    view.place.append(h("p", { class: "empty" }, t("There is no driver yet.")));
    return;
  }
  const choice = h("form", { class: "filters", "aria-label": t("Whose trail") },
    makeField({ name: "driver", label: t("Driver"), kind: "select", value: first, options: drivers.map(({ id, name }) => [id, name]) }),
    makeField({ name: "day", label: t("Day"), kind: "date", value: view.query.get("day") ?? today() }));
  const map = new PointMap();
  map.element.classList.add("tall");
  view.signal.addEventListener("abort", () => map.close());
  const slider = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": t("Time of the day") });
  const told = h("p", { role: "status" });
  const play = h("button", { type: "button" }, t("Play"));
  const replay = h("p", { class: "buttons replay" }, play, slider);
  const table = new VirtualTable<TrailPoint>({
    label: t("Fixes"),
    keyOf: (point) => point.taken_at,
    columns: [
      { title: t("Time"), text: (point) => exactTime(point.taken_at), by: (point) => point.taken_at },
      { title: t("Longitude"), kind: "number", text: (point) => point.position[0].toFixed(5), by: (point) => point.position[0] },
      { title: t("Latitude"), kind: "number", text: (point) => point.position[1].toFixed(5), by: (point) => point.position[1] },
      { title: t("Speed"), kind: "number", text: (point) => (point.speed_mps === null ? "–" : `${Math.round(point.speed_mps * 3.6)} km/h`), by: (point) => point.speed_mps ?? -1 },
      { title: t("Within"), kind: "number", text: (point) => `${Math.round(point.accuracy_m)} m`, by: (point) => point.accuracy_m },
    ],
    open: (point) => showAt(trail.indexOf(point)),
  });
  const trips = h("div", {});
  let trail: TrailPoint[] = [];
  let driverId = first;
  let playing: ReturnType<typeof setInterval> | undefined;

  const showAt = (index: number, fits = false): void => {
    const point = trail[index];
    if (point === undefined) return map.show([]);
    slider.value = String(index);
    slider.setAttribute("aria-valuetext", clockTime(point.taken_at));
    const colour = colourOf(driverId);
    map.show([{ at: point.position, colour }], [
      { through: trail.map(({ position }) => position), colour: "#8793a0" },
      { through: trail.slice(0, index + 1).map(({ position }) => position), colour },
    ], fits);
    const speed = point.speed_mps === null ? "" : ` · ${Math.round(point.speed_mps * 3.6)} km/h`;
    say(told, `${clockTime(point.taken_at)}${speed} · ${t("{n} of {all} fixes", { n: index + 1, all: count(trail.length) })} · ${kilometres(lengthM(trail.slice(0, index + 1)))}`);
  };
  const stop = (): void => {
    clearInterval(playing);
    playing = undefined;
    say(play, t("Play"));
  };
  view.signal.addEventListener("abort", stop);
  play.onclick = () => {
    if (playing !== undefined) return stop();
    say(play, t("Pause"));
    if (Number(slider.value) >= trail.length - 1) slider.value = "0";
    playing = setInterval(() => {
      const next = Number(slider.value) + Math.max(1, Math.round(trail.length / STEPS));
      if (next >= trail.length) {
        showAt(trail.length - 1);
        stop();
      } else showAt(next);
    }, STEP_MS);
  };
  slider.oninput = () => showAt(Number(slider.value));
  const load = async (): Promise<void> => {
    stop();
    const typed = new FormData(choice);
    driverId = String(typed.get("driver"));
    const start = new Date(`${String(typed.get("day"))}T00:00:00`);
    const since = start.toISOString();
    const until = new Date(start.getTime() + 24 * 3_600_000).toISOString();
    let nothing = t("Nothing was heard of this driver on that day.");
    trail = await get<TrailPoint[]>(`/api/drivers/${driverId}/trail`, { since, until }).catch((error: Error) => {
      nothing = error.message;
      return [];
    });
    if (view.signal.aborted) return;
    slider.max = String(Math.max(0, trail.length - 1));
    play.disabled = trail.length < 2;
    table.set(trail);
    for (const each of [map.element, replay, table.element]) each.hidden = trail.length === 0;
    if (trail.length === 0) {
      map.show([]);
      say(told, nothing);
    } else showAt(trail.length - 1, true);
    void loadTrips(since, until);
  };
  const loadTrips = async (since: string, until: string): Promise<void> => {
    const whose = driverId;
    trips.replaceChildren();
    if (trail.length === 0) return;
    const told = await get<DayOfTrips>(`/api/drivers/${whose}/trips`, { since, until }).catch(() => undefined);
    if (view.signal.aborted || whose !== driverId || told === undefined) return;
    trips.replaceChildren(tripTable(told, (iso) => showAt(trail.findIndex((point) => point.taken_at >= iso))));
  };
  choice.onchange = () => {
    for (const [name, value] of new FormData(choice)) view.query.set(name, String(value));
    noteQuery(view.query);
    void load();
  };
  view.place.append(choice, map.element, replay, told, trips, table.element);
  await load();
}

const EARTH_M = 6_371_000;

function lengthM(points: TrailPoint[]): number {
  let metres = 0;
  for (let index = 1; index < points.length; index += 1) {
    const [lon, lat] = points[index - 1]?.position ?? [0, 0];
    const [toLon, toLat] = points[index]?.position ?? [0, 0];
    const eastM = ((toLon - lon) * Math.PI * EARTH_M * Math.cos((lat * Math.PI) / 180)) / 180;
    const northM = ((toLat - lat) * Math.PI * EARTH_M) / 180;
    metres += Math.hypot(eastM, northM);
  }
  return metres;
}
