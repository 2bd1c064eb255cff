/** A small map with points and lines on it; where one is clicked can be told. */

import { LngLatBounds, Map as LibreMap, NavigationControl, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { Feature } from "geojson";
import { BASEMAP_SOURCE, basemapLayers, FONT } from "../basemap";
import type { LonLat } from "../frames";
import { t } from "../language";
import { isDark } from "../look";
import { h } from "../page";

setWorkerUrl(workerUrl);

export interface Point {
  at: LonLat;
  label?: string;
  colour?: string;
}

export interface Line {
  through: LonLat[];
  colour: string;
}

export class PointMap {
  readonly element = h("div", { class: "point-map", role: "region", "aria-label": t("Map") });
  private readonly map: LibreMap | undefined;
  private features: Feature[] = [];

  constructor(onClick?: (at: LonLat) => void) {
    const canvas = h("div", { class: "canvas" });
    const credit = h("p", { class: "credit" }, "© ", h("a", {
      href: "https://www.openstreetmap.org/copyright", rel: "noreferrer",
    }, "OpenStreetMap contributors"));
    if (document.createElement("canvas").getContext("webgl2") === null) {
      this.element.append(h("p", { class: "empty" }, t("This browser draws no maps; the table says the same.")));
      return;
    }
    this.element.append(canvas, credit);
    const dark = isDark();
    this.map = new LibreMap({
      container: canvas,
      style: {
        version: 8,
        sources: { basemap: BASEMAP_SOURCE, drawn: { type: "geojson", data: collection([]) } },
        layers: [
          ...basemapLayers(dark),
          { id: "lines", type: "line", source: "drawn", filter: ["==", ["geometry-type"], "LineString"],
            layout: { "line-join": "round", "line-cap": "round" },
            paint: { "line-color": ["get", "colour"], "line-width": 3, "line-opacity": 0.8 } },
          { id: "points", type: "circle", source: "drawn", filter: ["==", ["geometry-type"], "Point"],
            paint: { "circle-radius": 9, "circle-color": ["get", "colour"], "circle-stroke-width": 2,
              "circle-stroke-color": dark ? "#14181d" : "#ffffff" } },
          { id: "labels", type: "symbol", source: "drawn", filter: ["has", "label"],
            layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 11, "text-allow-overlap": true },
            paint: { "text-color": "#ffffff" } },
        ],
      },
      center: [0, 20],
      zoom: 1,
      attributionControl: false,
      dragRotate: false,
    });
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.on("styledata", () => this.draw());
    if (onClick) this.map.on("click", ({ lngLat }) => onClick([lngLat.lng, lngLat.lat]));
    new ResizeObserver(() => this.map?.resize()).observe(this.element);
  }

  /** fits: also bring it all into view. */
  show(points: Point[], lines: Line[] = [], fits = true): void {
    this.features = [
      ...lines.filter(({ through }) => through.length > 1).map(({ through, colour }): Feature => ({
        type: "Feature", geometry: { type: "LineString", coordinates: through }, properties: { colour },
      })),
      ...points.map(({ at, label, colour = "#1668c7" }): Feature => ({
        type: "Feature", geometry: { type: "Point", coordinates: at },
        properties: label === undefined ? { colour } : { colour, label },
      })),
    ];
    this.draw();
    const bounds = new LngLatBounds();
    for (const { at } of points) bounds.extend(at);
    for (const { through } of lines) for (const at of through) bounds.extend(at);
    if (fits && !bounds.isEmpty()) this.map?.fitBounds(bounds, { padding: 50, maxZoom: 16, duration: 0 });
  }

  close(): void {
    this.map?.remove();
  }

  private draw(): void {
    this.map?.getSource<GeoJSONSource>("drawn")?.setData(collection(this.features));
  }
}

const collection = (features: Feature[]): { type: "FeatureCollection"; features: Feature[] } => ({
  type: "FeatureCollection",
  features,
});
