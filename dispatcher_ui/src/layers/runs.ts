/** Runs as lines along their roads, in the order in which they are driven. */

import type { Feature } from "geojson";
import type { LayerSpecification } from "maplibre-gl";
import type { RunRecord } from "../frames";
import type { Selection } from "../run_list";
import { colourOf } from "../colours";
import type { Ways } from "../ways";

export const RUNS = "runs";

/** One line; none when there is nothing to draw a line through. */
export function runFeatures(
  run: RunRecord,
  ways: Ways,
  selection: Selection | undefined,
  asksForRoads: boolean,
): Feature[] {
  const coordinates = ways.lineOf(run, asksForRoads || selection?.key === run.id);
  if (coordinates.length < 2) return [];
  return [{
    type: "Feature",
    geometry: { type: "LineString", coordinates },
    properties: {
      key: run.id,
      colour: colourOf(run.driver_id),
      selected: selection?.key === run.id,
      faded: selection !== undefined && selection.key !== run.id,
    },
  }];
}

export function runLayers(): LayerSpecification[] {
  return [
    {
      id: RUNS,
      type: "line",
      source: RUNS,
      layout: { "line-join": "round", "line-cap": "round" },
      paint: {
        "line-color": ["get", "colour"],
        "line-width": ["case", ["get", "selected"], 4, 2],
        "line-opacity": ["case", ["get", "faded"], 0.2, ["get", "selected"], 0.95, 0.6],
      },
    },
  ];
}
