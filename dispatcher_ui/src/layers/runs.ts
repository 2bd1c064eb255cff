/** Runs as lines along their roads, in the order in which they are driven. */

import type { Feature, FeatureCollection } from "geojson";
import type { LayerSpecification } from "maplibre-gl";
import type { Fleet } from "../fleet";
import type { Selection } from "../run_list";
import { colourOf } from "../colours";
import type { Ways } from "../ways";

export const RUNS = "runs";

export function runFeatures(
  fleet: Fleet,
  ways: Ways,
  selection: Selection | undefined,
): FeatureCollection {
  const features: Feature[] = [];
  for (const run of fleet.runs.values()) {
    const coordinates = ways.lineOf(run);
    if (coordinates.length < 2) continue;
    features.push({
      type: "Feature",
      geometry: { type: "LineString", coordinates },
      properties: {
        key: run.id,
        colour: colourOf(run.driver_id),
        selected: selection?.key === run.id,
        faded: selection !== undefined && selection.key !== run.id,
      },
    });
  }
  return { type: "FeatureCollection", features };
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
