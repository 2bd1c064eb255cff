/** A small map with points and lines on it; where one is clicked can be told. */

import { LngLatBounds, Map as LibreMap, NavigationControl, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource, StyleSpecification } from "maplibre-gl";
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
  /** By which a lasso names it. */
  id?: string;
  label?: string;
  colour?: string;
}

export interface Line {
  through: LonLat[];
  colour: string;
}

export interface Circle {
  middle: LonLat;
  radiusM: number;
  colour: string;
  label?: string;
}

export class PointMap {
  readonly element = h("div", { class: "point-map", role: "region", "aria-label": t("Map") });
  private readonly map: LibreMap | undefined;
  /** No nearer than this when all is brought into view. */
  maxZoom = 16;
  private features: Feature[] = [];
  private points: Point[] = [];
  private readonly theme = matchMedia("(prefers-color-scheme: dark)");
  private readonly onTheme = (): unknown => this.map?.setStyle(styleOf(isDark()));

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
    this.map = new LibreMap({
      container: canvas,
      style: styleOf(isDark()),
      center: [0, 20],
      zoom: 1,
      attributionControl: false,
      dragRotate: false,
    });
    this.theme.addEventListener("change", this.onTheme);
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.on("styledata", () => this.draw());
    if (onClick) this.map.on("click", ({ lngLat }) => onClick([lngLat.lng, lngLat.lat]));
    new ResizeObserver(() => this.map?.resize()).observe(this.element);
  }

  /** fits: also bring it all into view. */
  show(points: Point[], lines: Line[] = [], fits = true, circles: Circle[] = []): void {
    this.points = points;
    const rounds = circles.map(({ middle, radiusM }) => roundOf(middle, radiusM));
    this.features = [
      ...circles.map(({ colour }, index): Feature => ({
        type: "Feature", geometry: { type: "Polygon", coordinates: [rounds[index] ?? []] }, properties: { colour },
      })),
      ...circles.filter(({ label }) => label !== undefined).map(({ middle, label }): Feature => ({
        type: "Feature", geometry: { type: "Point", coordinates: middle }, properties: { label },
      })),
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
    for (const through of [...lines.map((line) => line.through), ...rounds]) for (const at of through) bounds.extend(at);
    if (fits && !bounds.isEmpty()) this.map?.fitBounds(bounds, { padding: 50, maxZoom: this.maxZoom, duration: 0 });
  }

  /** A button that lets somebody draw around points; told are the ids of those inside. Whoever
   * draws nothing chooses in the table. */
  offerLasso(chosen: (ids: string[]) => void): void {
    const { map } = this;
    if (!map) return;
    this.offerDrawing(t("Draw around"), (drawn) => drawn, (around) => {
      const inside = this.points.filter(({ at, id }) => id !== undefined && isInside(map.project(at), around));
      chosen(inside.flatMap(({ id }) => (id === undefined ? [] : [id])));
    });
  }

  /** A button that lets somebody draw a circle: from its middle outwards. Whoever draws nothing types
   * where it is and how far it reaches. */
  offerCircle(label: string, drawn: (middle: LonLat, radiusM: number) => void): void {
    const { map } = this;
    if (!map) return;
    this.offerDrawing(label, (line) => circleOf(line), (line) => {
      const [middle, edge] = [line[0], line.at(-1)];
      if (!middle || !edge) return;
      const [from, to] = [map.unproject([middle.x, middle.y]), map.unproject([edge.x, edge.y])];
      drawn([from.lng, from.lat], from.distanceTo(to));
    });
  }

  /** shape: what is seen of the line while it is drawn. */
  private offerDrawing(label: string, shape: (line: Pixel[]) => Pixel[], done: (line: Pixel[]) => void): void {
    const button = h("button", { type: "button", class: "lasso", "aria-pressed": "false" }, label);
    this.element.append(button);
    button.onclick = () => {
      const sheet = drawingSheet(shape, (line) => {
        sheet.remove();
        button.ariaPressed = "false";
        done(line);
      });
      button.ariaPressed = "true";
      this.element.append(sheet);
    };
  }

  close(): void {
    this.theme.removeEventListener("change", this.onTheme);
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

function styleOf(dark: boolean): StyleSpecification {
  return {
    version: 8,
    sources: { basemap: BASEMAP_SOURCE, drawn: { type: "geojson", data: collection([]) } },
    layers: [
      ...basemapLayers(dark),
      { id: "areas", type: "fill", source: "drawn", filter: ["==", ["geometry-type"], "Polygon"],
        paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.2 } },
      { id: "edges", type: "line", source: "drawn", filter: ["==", ["geometry-type"], "Polygon"],
        paint: { "line-color": ["get", "colour"], "line-width": 2 } },
      { id: "lines", type: "line", source: "drawn", filter: ["==", ["geometry-type"], "LineString"],
        layout: { "line-join": "round", "line-cap": "round" },
        paint: { "line-color": ["get", "colour"], "line-width": 3, "line-opacity": 0.8 } },
      { id: "points", type: "circle", source: "drawn", filter: ["all", ["==", ["geometry-type"], "Point"], ["has", "colour"]],
        paint: { "circle-radius": 9, "circle-color": ["get", "colour"], "circle-stroke-width": 2,
          "circle-stroke-color": dark ? "#14181d" : "#ffffff" } },
      { id: "labels", type: "symbol", source: "drawn", filter: ["all", ["has", "label"], ["has", "colour"]],
        layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 11, "text-allow-overlap": true },
        paint: { "text-color": "#ffffff" } },
      { id: "names", type: "symbol", source: "drawn", filter: ["all", ["has", "label"], ["!", ["has", "colour"]]],
        layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12, "text-anchor": "top", "text-offset": [0, 0.9] },
        paint: { "text-color": dark ? "#ffffff" : "#14181d", "text-halo-color": dark ? "#14181d" : "#ffffff", "text-halo-width": 1.5 } },
    ],
  };
}

interface Pixel {
  x: number;
  y: number;
}

/** As the map reckons distances. */
const EARTH_RADIUS_M = 6_371_008.8;
const CORNERS = 64;

/** The points of a circle on the ground. */
function roundOf([lon, lat]: LonLat, radiusM: number): LonLat[] {
  const degrees = (radiusM / EARTH_RADIUS_M) * (180 / Math.PI);
  const shrink = Math.max(Math.cos((lat * Math.PI) / 180), 0.01);
  return Array.from({ length: CORNERS + 1 }, (_, index): LonLat => {
    const turn = (2 * Math.PI * (index % CORNERS)) / CORNERS;
    return [lon + (degrees * Math.cos(turn)) / shrink, lat + degrees * Math.sin(turn)];
  });
}

/** Around the first of these points, through the last. */
function circleOf(line: Pixel[]): Pixel[] {
  const [middle, edge] = [line[0], line.at(-1)];
  if (!middle || !edge) return [];
  const radius = Math.hypot(edge.x - middle.x, edge.y - middle.y);
  return Array.from({ length: CORNERS }, (_, index) => {
    const turn = (2 * Math.PI * index) / CORNERS;
    return { x: middle.x + radius * Math.cos(turn), y: middle.y + radius * Math.sin(turn) };
  });
}

/** A sheet over the map on which one line is drawn with the pointer held down. */
function drawingSheet(shape: (line: Pixel[]) => Pixel[], done: (line: Pixel[]) => void): SVGSVGElement {
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
  sheet.setAttribute("class", "lasso-sheet");
  sheet.append(line);
  const drawn: Pixel[] = [];
  const goOn = (event: PointerEvent): void => {
    if (!sheet.hasPointerCapture(event.pointerId)) return;
    const { left, top } = sheet.getBoundingClientRect();
    // A browser that is busy tells of several moves at once, as one.
    const moves = event.getCoalescedEvents();
    for (const { clientX, clientY } of moves.length > 0 ? moves : [event]) drawn.push({ x: clientX - left, y: clientY - top });
    line.setAttribute("points", shape(drawn).map(({ x, y }) => `${x},${y}`).join(" "));
  };
  sheet.onpointerdown = (event) => {
    sheet.setPointerCapture(event.pointerId);
    goOn(event);
  };
  sheet.onpointermove = goOn;
  sheet.onpointerup = () => done(drawn);
  return sheet;
}

/** Whether a ray from the point crosses the line around an odd number of times. */
function isInside(point: Pixel, around: Pixel[]): boolean {
  let inside = false;
  around.forEach((a, index) => {
    const b = around[(index + around.length - 1) % around.length] ?? a;
    const crosses = a.y > point.y !== b.y > point.y;
    if (crosses && point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  });
  return inside;
}
