/** Drivers as arrows that glide from where they were to where they are. */

import type { Feature, FeatureCollection } from "geojson";
import type { LayerSpecification } from "maplibre-gl";
import { FONT } from "../basemap";
import type { Fleet } from "../fleet";
import type { LonLat } from "../frames";
import type { Selection } from "../run_list";
import { colourOf } from "../colours";

export const DRIVERS = "drivers";
export const ARROW = "arrow";

const GLIDE_MIN_MS = 250;
const GLIDE_MAX_MS = 3_000;
/** Further than this in one step is no driving; the marker jumps. In degrees. */
const JUMP_DEG = 0.05;

interface Glide {
  from: LonLat;
  to: LonLat;
  startMs: number;
  lastMs: number;
}

/** Where each driver's marker is between two positions. */
export class Glides {
  private readonly glides = new Map<string, Glide>();
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");

  /** Take in the newest positions; each is reached in about the time until the next one. */
  aim(fleet: Fleet, nowMs: number): void {
    for (const id of this.glides.keys()) if (!fleet.drivers.has(id)) this.glides.delete(id);
    for (const [id, { position }] of fleet.drivers) {
      const glide = this.glides.get(id);
      if (glide === undefined) {
        this.glides.set(id, { from: position, to: position, startMs: nowMs, lastMs: 0 });
      } else if (glide.to[0] !== position[0] || glide.to[1] !== position[1]) {
        const lastMs = Math.min(Math.max(nowMs - glide.startMs, GLIDE_MIN_MS), GLIDE_MAX_MS);
        const here = this.at(id, nowMs) ?? position;
        const jumps = this.still.matches || distance(here, position) > JUMP_DEG;
        const from = jumps ? position : here;
        this.glides.set(id, { from, to: position, startMs: nowMs, lastMs });
      }
    }
  }

  at(id: string, nowMs: number): LonLat | undefined {
    const glide = this.glides.get(id);
    if (glide === undefined) return undefined;
    const { from, to } = glide;
    const share = glide.lastMs === 0 ? 1 : Math.min(1, (nowMs - glide.startMs) / glide.lastMs);
    return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  }

  isMoving(nowMs: number): boolean {
    return [...this.glides.values()].some(
      ({ from, to, startMs, lastMs }) => from !== to && nowMs < startMs + lastMs,
    );
  }
}

export function driverFeatures(
  fleet: Fleet,
  glides: Glides,
  selection: Selection | undefined,
  nowMs: number,
): FeatureCollection {
  const selectedDriver =
    selection && (fleet.runs.get(selection.key)?.driver_id ?? selection.key);
  const features: Feature[] = [];
  for (const driver of fleet.drivers.values()) {
    const coordinates = glides.at(driver.driver_id, nowMs);
    if (coordinates === undefined) continue;
    features.push({
      type: "Feature",
      geometry: { type: "Point", coordinates },
      properties: {
        driverId: driver.driver_id,
        name: driver.name,
        colour: colourOf(driver.driver_id),
        heading: driver.heading_deg ?? 0,
        selected: driver.driver_id === selectedDriver,
      },
    });
  }
  return { type: "FeatureCollection", features };
}

export function driverLayers(dark: boolean): LayerSpecification[] {
  return [
    {
      id: DRIVERS,
      type: "circle",
      source: DRIVERS,
      paint: {
        "circle-radius": ["case", ["get", "selected"], 17, 13],
        "circle-color": ["get", "colour"],
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": ["case", ["get", "selected"], 4, 2.5],
      },
    },
    {
      id: "driver-arrows",
      type: "symbol",
      source: DRIVERS,
      layout: {
        "icon-image": ARROW,
        "icon-rotate": ["get", "heading"],
        "icon-rotation-alignment": "map",
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "driver-names",
      type: "symbol",
      source: DRIVERS,
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": 13,
        "text-anchor": "top",
        "text-offset": [0, 1.3],
        "text-optional": true,
      },
      paint: {
        "text-color": dark ? "#f3f6f9" : "#12181f",
        "text-halo-color": dark ? "#0e1216" : "#ffffff",
        "text-halo-width": 2,
      },
    },
  ];
}

/** A white arrow that points north, drawn here so that no file has to be fetched. */
export function arrowImage(): ImageData {
  const size = 32;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  if (pen === null) return new ImageData(size, size);
  pen.fillStyle = "#ffffff";
  pen.beginPath();
  pen.moveTo(16, 4);
  pen.lineTo(26, 27);
  pen.lineTo(16, 21.5);
  pen.lineTo(6, 27);
  pen.fill();
  return pen.getImageData(0, 0, size, size);
}

function distance(a: LonLat, b: LonLat): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
