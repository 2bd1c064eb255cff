/** The street map from our own server's tiles, light and dark. Labels use the system's fonts. */

import type { LayerSpecification, SourceSpecification } from "maplibre-gl";

const MAX_TILE_ZOOM = 14;
/** The style has no `glyphs`, so MapLibre draws letters with fonts that the browser has. */
export const FONT = ["system-ui", "sans-serif"];

const LIGHT = {
  land: "#f2efe9", green: "#dbe8cf", built: "#eae5dc", water: "#b7d7ee", building: "#dfd8cc",
  road: "#ffffff", main: "#f9dfa0", motorway: "#f2c27b", casing: "#d5cdbf", path: "#cfc6b6",
  rail: "#a9a39a", ink: "#4a4f57", halo: "#ffffff",
};
const DARK: typeof LIGHT = {
  land: "#1a1f25", green: "#1f2c25", built: "#20262d", water: "#1b3850", building: "#272e37",
  road: "#3b444f", main: "#5d5238", motorway: "#75613a", casing: "#14181d", path: "#333b45",
  rail: "#4d555f", ink: "#b9c2cc", halo: "#14181d",
};

export const BASEMAP_SOURCE: SourceSpecification = {
  type: "vector",
  tiles: [`${location.origin}/tiles/{z}/{x}/{y}`],
  maxzoom: MAX_TILE_ZOOM,
};

export function basemapLayers(dark: boolean): LayerSpecification[] {
  const colours = dark ? DARK : LIGHT;
  return [
    { id: "ground", type: "background", paint: { "background-color": colours.land } },
    fill("built-up", "land", "built_up", colours.built),
    fill("green", "land", "green", colours.green),
    fill("water", "water", "water", colours.water),
    line("waterways", "waterway", ["river", "canal", "stream"], colours.water, 1.6),
    fill("buildings", "building", "building", colours.building),
    line("paths", "road", ["path"], colours.path, 0.6),
    line("road-casings", "road", ["minor", "tertiary", "secondary", "primary", "motorway"], colours.casing, 2.3),
    line("service-roads", "road", ["service"], colours.road, 0.9),
    line("minor-roads", "road", ["minor"], colours.road, 1.7),
    line("middle-roads", "road", ["tertiary", "secondary"], colours.road, 2),
    line("main-roads", "road", ["primary"], colours.main, 2),
    line("motorways", "road", ["motorway"], colours.motorway, 2.2),
    line("rails", "rail", ["rail"], colours.rail, 0.8),
    label("street-names", "road", {
      minzoom: 13,
      layout: { "symbol-placement": "line", "text-size": 12 },
      paint: { "text-color": colours.ink, "text-halo-color": colours.halo, "text-halo-width": 1.4 },
    }),
    label("place-names", "place", {
      minzoom: 0,
      layout: { "text-size": ["match", ["get", "kind"], "city", 18, "town", 16, "village", 14, 12] },
      paint: { "text-color": colours.ink, "text-halo-color": colours.halo, "text-halo-width": 1.6 },
    }),
  ];
}

function fill(id: string, layer: string, kind: string, colour: string): LayerSpecification {
  return {
    id,
    type: "fill",
    source: "basemap",
    "source-layer": layer,
    filter: ["==", ["get", "kind"], kind],
    paint: { "fill-color": colour },
  };
}

/** scale: how wide compared with others; lines grow as the map is zoomed in. */
function line(
  id: string,
  layer: string,
  kinds: string[],
  colour: string,
  scale: number,
): LayerSpecification {
  return {
    id,
    type: "line",
    source: "basemap",
    "source-layer": layer,
    filter: ["in", ["get", "kind"], ["literal", kinds]],
    layout: { "line-cap": "round", "line-join": "round" },
    paint: {
      "line-color": colour,
      "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 8, 0.5 * scale, 14, 1.8 * scale, 18, 9 * scale],
    },
  };
}

type LabelLook = Pick<Extract<LayerSpecification, { type: "symbol" }>, "layout" | "paint"> & {
  minzoom: number;
};

function label(id: string, layer: string, look: LabelLook): LayerSpecification {
  return {
    id,
    type: "symbol",
    source: "basemap",
    "source-layer": layer,
    minzoom: look.minzoom,
    filter: ["has", "name"],
    layout: { "text-field": ["get", "name"], "text-font": FONT, ...look.layout },
    paint: look.paint ?? {},
  };
}
