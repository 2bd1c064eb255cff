/** The same devices on the same empty map, shown in two ways: by our layer, and by the method of
 * Traccar's web client: each change builds all features anew and hands them to setData of a
 * clustered source with icons and names. What React and Redux do there besides is not counted. */

import { type GeoJSONSource, Map as LibreMap, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { Fleet } from "../src/fleet";
import type { LonLat } from "../src/frames";
import { DriverLayer } from "../src/layers/drivers";
import { Glides } from "../src/layers/glides";

const EVERY_MS = 500;
const STEPS = 40;
const CENTRE: LonLat = [9.52, 47.15];

interface Device {
  id: number;
  name: string;
  position: LonLat;
  course: number;
}

setWorkerUrl(workerUrl);
const map = new LibreMap({
  container: "map",
  style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#e8eef2" } }] },
  center: CENTRE,
  zoom: 11.3,
  attributionControl: false,
});

/** Where all are at each step; the same for both. */
function drive(count: number): Device[][] {
  let seed = 12345;
  const chance = (): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  let now = Array.from({ length: count }, (_, id): Device => ({
    id, name: `Driver ${id}`, course: chance() * 360,
    position: [CENTRE[0] + (chance() - 0.5) * 0.3, CENTRE[1] + (chance() - 0.5) * 0.16],
  }));
  return Array.from({ length: STEPS }, () => {
    now = now.map(({ position: [lon, lat], course, ...device }) => {
      const turn = (course * Math.PI) / 180;
      return { ...device, course, position: [lon + Math.sin(turn) * 6e-5, lat + Math.cos(turn) * 4e-5] };
    });
    return now;
  });
}

/** As the server packs them; see server/live/map_moves.py. */
function packed(devices: Device[]): ArrayBuffer {
  const frame = new DataView(new ArrayBuffer(16 + devices.length * 16));
  devices.forEach(({ id, position: [lon, lat], course }, index) => {
    const at = 16 + index * 16;
    frame.setUint32(at, id, true);
    frame.setInt32(at + 4, Math.round(lat * 1e7), true);
    frame.setInt32(at + 8, Math.round(lon * 1e7), true);
    frame.setUint8(at + 12, Math.round(course / 1.5) % 240);
    frame.setUint8(at + 13, 16);
  });
  return frame.buffer;
}

function showOurs(steps: Device[][]): (step: number) => void {
  const frames = steps.map(packed);
  const fleet = new Fleet();
  const drivers = Object.fromEntries((steps[0] ?? []).map(({ id, name, position }) => [`${id}`, {
    number: id, driver_id: `${id}`, name, position: [...position] as LonLat,
    taken_at: new Date().toISOString(), speed_mps: 8, heading_deg: 0, battery_percent: 80,
  }]));
  fleet.apply({
    type: "snapshot", number: 1, cursor: 1, now: new Date().toISOString(), speed: 1, is_current: true,
    drivers, runs: {}, exceptions: {},
  });
  const glides = new Glides();
  map.addLayer(new DriverLayer(glides, () => 30));
  return (step) => {
    const frame = frames[step % frames.length];
    if (frame) fleet.move(frame);
    glides.aim(fleet, performance.now(), false);
    map.triggerRepaint();
  };
}

function showTheirs(steps: Device[][]): (step: number) => void {
  const icon = new ImageData(32, 32);
  icon.data.fill(160);
  for (const name of ["truck-success", "background", "direction"]) map.addImage(name, icon);
  const empty = { type: "FeatureCollection" as const, features: [] };
  map.addSource("all", { type: "geojson", data: empty, cluster: true, clusterMaxZoom: 14, clusterRadius: 50 });
  map.addSource("selected", { type: "geojson", data: empty });
  for (const source of ["all", "selected"]) {
    map.addLayer({
      id: source, type: "symbol", source, filter: ["!", ["has", "point_count"]],
      layout: {
        "icon-image": "{category}-{color}", "icon-size": 0.75, "icon-allow-overlap": true,
        "text-field": "{name}", "text-allow-overlap": true, "text-anchor": "bottom",
        "text-offset": [0, -1.5], "text-font": ["sans-serif"], "text-size": 12,
      },
      paint: { "text-halo-color": "white", "text-halo-width": 1 },
    });
    map.addLayer({
      id: `direction-${source}`, type: "symbol", source,
      filter: ["all", ["!", ["has", "point_count"]], ["==", ["get", "direction"], true]],
      layout: {
        "icon-image": "direction", "icon-size": 0.75, "icon-allow-overlap": true,
        "icon-rotate": ["get", "rotation"], "icon-rotation-alignment": "map",
      },
    });
  }
  map.addLayer({
    id: "clusters", type: "symbol", source: "all", filter: ["has", "point_count"],
    layout: {
      "icon-image": "background", "icon-size": 0.75, "text-field": "{point_count_abbreviated}",
      "text-font": ["sans-serif"], "text-size": 14,
    },
  });
  return (step) => {
    for (const source of ["all", "selected"]) {
      const shown = source === "all" ? (steps[step % steps.length] ?? []) : [];
      map.getSource<GeoJSONSource>(source)?.setData({
        type: "FeatureCollection",
        features: shown.map(({ id, name, position, course }) => ({
          type: "Feature",
          geometry: { type: "Point", coordinates: position },
          properties: {
            id, deviceId: id, name, category: "truck", color: "success", rotation: course, direction: false,
          },
        })),
      });
    }
  };
}

let updates = 0;
let pictures = 0;

/** Begin to move `count` devices, twice a second, for ever. */
function start(method: "ours" | "theirs", count: number): void {
  const steps = drive(count);
  const show = method === "ours" ? showOurs(steps) : showTheirs(steps);
  show(0);
  setInterval(() => show(++updates), EVERY_MS);
}

map.on("render", () => (pictures += 1));
map.on("load", () => Object.assign(window, { start, updates: () => updates, pictures: () => pictures }));
