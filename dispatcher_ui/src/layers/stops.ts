/** Stops as numbered circles, coloured by state. */

import type { Feature } from "geojson";
import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import { FONT } from "../basemap";
import { stateOf } from "../fleet";
import type { RunRecord } from "../frames";
import type { Selection } from "../run_list";
import { STOP_COLOURS } from "../colours";

export const STOPS = "stops";

/** isNumbered: also when the run is not the chosen one. */
export function stopFeatures(
  run: RunRecord,
  selection: Selection | undefined,
  isNumbered: boolean,
): Feature[] {
  const isChosen = selection?.key === run.id;
  return run.stops.flatMap((stop): Feature[] => stop.position === null ? [] : [{
    type: "Feature",
    geometry: { type: "Point", coordinates: stop.position },
    properties: {
      key: run.id,
      stopId: stop.id,
      number: isNumbered || isChosen ? String(stop.sequence + 1) : "",
      colour: STOP_COLOURS[stateOf(stop)],
      selected: selection?.stopId === stop.id,
      faded: selection !== undefined && selection.key !== run.id,
    },
  }]);
}

export function stopLayers(dark: boolean): LayerSpecification[] {
  const opacity: ExpressionSpecification = ["case", ["get", "faded"], 0.25, 1];
  return [
    {
      id: STOPS,
      type: "circle",
      source: STOPS,
      paint: {
        "circle-radius": [
          "interpolate", ["linear"], ["zoom"],
          9, ["case", ["get", "selected"], 6, 3],
          14, ["case", ["get", "selected"], 14, 9],
        ],
        "circle-color": ["get", "colour"],
        "circle-stroke-color": dark ? "#e8edf2" : "#ffffff",
        "circle-stroke-width": ["case", ["get", "selected"], 4, 1.5],
        "circle-opacity": opacity,
        "circle-stroke-opacity": opacity,
      },
    },
    {
      id: "stop-numbers",
      type: "symbol",
      source: STOPS,
      minzoom: 12.5,
      layout: {
        "text-field": ["get", "number"],
        "text-font": FONT,
        "text-size": 11,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": "#ffffff", "text-opacity": opacity },
    },
  ];
}
