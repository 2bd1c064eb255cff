/** Circles that the office watches: where nobody should be, and what nobody should leave. */

import { get, getAll, send } from "../api";
import type { LonLat } from "../frames";
import { t } from "../language";
import { h } from "../page";
import { edit } from "../parts/edit";
import { formDialog, type Field, type Values } from "../parts/form";
import { showListing } from "../parts/listing";
import { PointMap, type Circle } from "../parts/point_map";
import type { View } from "../rooms";
import { count } from "../values";
import type { Depot } from "./plan_records";

interface Geofence {
  id: string;
  depot_id: string;
  name: string;
  position: LonLat;
  radius_m: number;
  rule: "stay_out" | "stay_in";
}

const COLOURS = { stay_out: "#b3261e", stay_in: "#1668c7" };
const PATH = "/api/geofences";
const FIRST_RADIUS_M = 500;
/** From here a town is seen, of which a circle is drawn. */
const TOWN_ZOOM = 13;

const readAll = (): Promise<Geofence[]> => getAll<Geofence>(PATH, { limit: 200 });
const ruleWords = (rule: Geofence["rule"]): string =>
  rule === "stay_out" ? t("Tell when a driver is in it") : t("Tell when a driver leaves it");

export function showGeofences(view: View, place: HTMLElement, depots: Depot[]): void {
  const map = new PointMap();
  map.maxZoom = TOWN_ZOOM;
  map.element.classList.add("tall");
  view.signal.addEventListener("abort", () => map.close());
  map.offerCircle(t("Draw a circle"), (middle, radiusM) => newGeofence(middle, Math.max(Math.round(radiusM), 50)));
  place.append(h("p", { class: "hint" }, t("Whoever breaks the rule of a circle on a run is told of among the exceptions.")), map.element);
  const depotNames = new Map(depots.map(({ id, name }) => [id, name]));
  const drawAll = async (fits: boolean): Promise<void> => {
    const fences = await readAll();
    map.show(depots.map(({ position }) => ({ at: position, colour: "#4a4f55" })), [], fits, fences.map(circleOf));
  };
  const reload = (fits = false): void => {
    void drawAll(fits);
    void again();
  };
  const newGeofence = (middle: LonLat | undefined, radiusM: number): void => {
    const first = depots[0];
    const dialog = formDialog(t("New geofence"), {
      fields: [inDepot(depots), ...fieldsOf({ name: "", position: middle ?? first?.position ?? [0, 0], radius_m: radiusM, rule: "stay_out" })],
      button: t("Watch it"),
      submit: async ({ depot_id, ...typed }) => {
        await send("POST", PATH, { depot_id, ...circleTyped(typed) });
        reload(true);
      },
    });
    showWhereItIs(dialog);
  };
  const again = showListing<Geofence>(view, place, {
    label: t("Geofences"),
    path: PATH,
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("Depot"), text: (each) => depotNames.get(each.depot_id) ?? "" },
      { title: t("Alert"), kind: "state", text: (each) => ruleWords(each.rule) },
      { title: t("Reaches, m"), kind: "number", text: (each) => count(each.radius_m), by: (each) => each.radius_m },
      { title: t("Position"), text: ({ position: [lon, lat] }) => `${lat.toFixed(5)}, ${lon.toFixed(5)}` },
    ],
    open: (each) => void change(each, () => reload()),
    actions: [{
      label: t("Watch it no more"),
      act: async ({ id }) => {
        await send("DELETE", `${PATH}/${id}`);
        await drawAll(false);
      },
      undo: async ({ depot_id, name, position: [lon, lat], radius_m, rule }) => {
        await send("POST", PATH, { depot_id, name, lon, lat, radius_m, rule });
        await drawAll(false);
      },
    }],
    extra: [h("button", { type: "button", class: "main", onclick: () => newGeofence(undefined, FIRST_RADIUS_M) }, t("New geofence"))],
    empty: t("No circle is watched yet. Draw one on the map, or type where it is."),
  });
  void drawAll(true);
}

async function change(fence: Geofence, saved: () => unknown): Promise<void> {
  const dialog = await edit<Geofence>({
    title: fence.name,
    read: async () => {
      const now = (await readAll()).find(({ id }) => id === fence.id);
      if (now === undefined) throw new Error(t("Somebody else took {name} away meanwhile.", { name: fence.name }));
      return now;
    },
    fields: fieldsOf,
    save: (typed) => send("PUT", `${PATH}/${fence.id}`, circleTyped(typed)),
    saved,
  });
  showWhereItIs(dialog);
}

const inDepot = (depots: Depot[]): Field =>
  ({ name: "depot_id", label: t("For the drivers of"), kind: "select", required: true, options: depots.map(({ id, name }) => [id, name]) });

const fieldsOf = (fence: Pick<Geofence, "name" | "position" | "radius_m" | "rule">): Field[] => [
  { name: "name", label: t("Name"), required: true, value: fence.name },
  { name: "rule", label: t("Alert"), kind: "select", value: fence.rule, options: (["stay_out", "stay_in"] as const).map((rule) => [rule, ruleWords(rule)]) },
  { name: "address", label: t("Around which address"), suggestions: [], hint: t("Or click on the map, or type longitude and latitude.") },
  { name: "lon", label: t("Longitude"), kind: "number", required: true, width: "third", value: fence.position[0].toFixed(6) },
  { name: "lat", label: t("Latitude"), kind: "number", required: true, width: "third", value: fence.position[1].toFixed(6) },
  { name: "radius_m", label: t("Reaches, m"), kind: "number", required: true, width: "third", value: fence.radius_m },
];

const numberOf = (typed: string | undefined): number => Number((typed ?? "").replace(",", "."));

const circleTyped = ({ name, rule, lon, lat, radius_m }: Values): object =>
  ({ name, rule, lon: numberOf(lon), lat: numberOf(lat), radius_m: numberOf(radius_m) });

const circleOf = ({ name, position, radius_m, rule }: Geofence): Circle =>
  ({ middle: position, radiusM: radius_m, colour: COLOURS[rule], label: name });

/** A map in the form, which shows the circle as it is typed and takes clicks and drawings. */
function showWhereItIs(dialog: HTMLDialogElement): void {
  const form = dialog.querySelector("form");
  if (!form) return;
  const control = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;
  const draw = (fits: boolean): void => {
    const middle: LonLat = [numberOf(control("lon").value), numberOf(control("lat").value)];
    const radiusM = numberOf(control("radius_m").value);
    const isPlace = Math.abs(middle[0]) <= 180 && Math.abs(middle[1]) <= 90 && radiusM > 0;
    const colour = COLOURS[control("rule").value as Geofence["rule"]];
    map.show([], [], fits && isPlace, isPlace ? [{ middle, radiusM, colour }] : []);
  };
  const move = ([lon, lat]: LonLat, fits: boolean): void => {
    control("lon").value = lon.toFixed(6);
    control("lat").value = lat.toFixed(6);
    draw(fits);
  };
  const map = new PointMap((at) => move(at, false));
  map.offerCircle(t("Draw a circle"), (middle, radiusM) => {
    control("radius_m").value = String(Math.max(Math.round(radiusM), 50));
    move(middle, false);
  });
  const address = control("address");
  address.addEventListener("input", async () => {
    const typed = address.value.trim();
    if (typed.length < 3) return;
    const { items } = await get<{ items: { line: string; position: LonLat }[] }>("/api/places/search", { q: typed, limit: 8 }).catch(() => ({ items: [] }));
    if (address.value.trim() !== typed) return;
    address.list?.replaceChildren(...items.map(({ line }) => h("option", { value: line })));
    const chosen = items.find(({ line }) => line === typed);
    if (chosen) move(chosen.position, true);
  });
  for (const name of ["lon", "lat", "radius_m", "rule"]) control(name).addEventListener("input", () => draw(true));
  form.prepend(map.element);
  draw(true);
  dialog.addEventListener("close", () => map.close());
}
