/** The map: our own street tiles, and on them runs, stops and drivers. */

import { LngLatBounds, Map as LibreMap, NavigationControl, prewarm, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource, MapMouseEvent, SourceSpecification, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { BASEMAP_SOURCE, basemapLayers } from "./basemap";
import type { Driver, Fleet } from "./fleet";
import type { LonLat, RunRecord } from "./frames";
import { DriverLayer, DRIVERS, nameFeatures, nameLayer, NAMES } from "./layers/drivers";
import { Glides } from "./layers/glides";
import { runFeatures, runLayers, RUNS } from "./layers/runs";
import { stopFeatures, stopLayers, STOPS } from "./layers/stops";
import type { Selection } from "./run_list";
import { isDark } from "./look";
import { Ways } from "./ways";

const GLIDE_FRAME_MS = 60;
/** From here on a driver's way in half a second is more than a pixel, and gliding is seen. */
const GLIDE_ZOOM = 11.5;
const WORLD_PX = 512;
const MARKER_PX = 31;
const MARKER_MIN_PX = 13;
const NAMES_ZOOM = 10;
/** Of more runs than these nobody can tell the roads or read the numbers, except of the chosen one. */
const ROADS_MAX = 100;
/** Streets and drivers come first; runs wait for them, but no longer than this. */
const STREETS_MAX_MS = 3_000;
/** Roads come one by one; they are drawn together. */
const WAYS_MS = 400;
const CLOSE_ZOOM = 14;
const HOME_ZOOM = 11;
const REACH_PX = 8;
const EASE_MS = 600;

setWorkerUrl(workerUrl);
prewarm();

export class FleetMap {
  private readonly map: LibreMap;
  private readonly glides = new Glides();
  private readonly ways = new Ways((runId) => this.drawWay(runId));
  private readonly theme = matchMedia("(prefers-color-scheme: dark)");
  private selection: Selection | undefined;
  /** Keeps the chosen driver in the middle until somebody moves the map. */
  isFollowing = false;
  private isFitted = location.hash.includes("map=");
  private isGliding = false;
  /** As drawn: the runs, and for which selection. */
  private readonly drawn = new Map<string, RunRecord>();
  private drawnFor: Selection | undefined;
  private isWhole = false;
  /** Whether streets and drivers have been drawn, so that runs may be. */
  private hasStreets = false;
  /** While the browser has taken the graphics card away. */
  private isLost = false;
  private hasNames = false;
  /** For the roads of all runs. */
  private asks = true;
  private waysTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    container: HTMLElement,
    private readonly fleet: Fleet,
    select: (selection: Selection | undefined) => void,
    lookAt: (bounds: [LonLat, LonLat]) => unknown,
    private readonly endFollowing: () => void,
    /** Told when the browser takes the graphics card away, and when it gives it back. */
    private readonly canDraw: (isSo: boolean) => void,
    /** What is shown until somebody's position is known; without it the world. */
    home: LonLat | undefined,
  ) {
    this.map = new LibreMap({
      container,
      style: styleOf(isDark()),
      hash: "map",
      center: home ?? [0, 20],
      zoom: home ? HOME_ZOOM : 1,
      fadeDuration: 0, // it would draw all again and again while streets come
      attributionControl: false, // the page itself always shows it
      dragRotate: false,
      pitchWithRotate: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.on("styledata", () => this.drawAnew());
    this.map.on("render", () => {
      if (!this.hasStreets && this.isFitted && this.map.isSourceLoaded("basemap")) this.startRuns();
    });
    setTimeout(() => this.startRuns(), STREETS_MAX_MS);
    this.map.on("webglcontextlost", () => this.lose(true));
    this.map.on("webglcontextrestored", () => this.lose(false));
    this.map.on("click", (event) => select(this.meantBy(event)));
    this.map.on("dragstart", () => this.endFollowing());
    this.map.on("moveend", () => {
      this.drawNames(performance.now());
      const bounds = this.map.getBounds();
      lookAt([bounds.getSouthWest().toArray(), bounds.getNorthEast().toArray()]);
    });
    this.map.on("mousemove", (event) => {
      this.map.getCanvas().style.cursor = this.meantBy(event) ? "pointer" : "";
    });
    this.theme.addEventListener("change", () => {
      this.map.setStyle(styleOf(isDark()));
      this.isWhole = false; // the new style's sources are empty
    });
  }

  update(selection: Selection | undefined): void {
    this.selection = selection;
    if (this.isLost) return;
    const run = selection && this.fleet.runs.get(selection.key);
    this.glides.choose(run?.driver_id ?? selection?.key);
    this.glides.aim(this.fleet, performance.now(), this.map.getZoom() >= GLIDE_ZOOM);
    this.fitOnce();
    if (this.isFollowing) this.follow();
    this.drawRuns();
    this.drawNames(performance.now());
    this.map.triggerRepaint();
    this.glide();
  }

  /** Bring what is selected into view: a stop, or all of a run with its driver. */
  show(selection: Selection): void {
    const run = this.fleet.runs.get(selection.key);
    const driver = this.fleet.drivers.get(run?.driver_id ?? selection.key);
    const stop = run?.stops.find((each) => each.id === selection.stopId);
    if (stop?.position) {
      const zoom = Math.max(this.map.getZoom(), CLOSE_ZOOM);
      this.map.easeTo({ center: stop.position, zoom, duration: EASE_MS });
    } else {
      this.fit(run ? [run] : [], driver ? [driver] : [], EASE_MS);
    }
  }

  private follow(): void {
    const run = this.selection && this.fleet.runs.get(this.selection.key);
    const driver = this.fleet.drivers.get(run?.driver_id ?? this.selection?.key ?? "");
    if (!driver) return;
    const zoom = Math.max(this.map.getZoom(), CLOSE_ZOOM);
    this.map.easeTo({ center: driver.position, zoom, duration: EASE_MS });
  }

  /** Whether streets and drivers can be seen. */
  isUseful(): boolean {
    return !this.isLost && this.isFitted && this.hasStreets && this.glides.count > 0;
  }

  /** Where a driver's marker is drawn now. */
  markerOf(driverId: string): LonLat | undefined {
    return this.glides.at(driverId, performance.now());
  }

  /** How a run is drawn now. */
  lineOf(runId: string): LonLat[] {
    const run = this.fleet.runs.get(runId);
    return run ? this.ways.lineOf(run) : [];
  }

  /** Of how many runs a line is on the screen. */
  countLines(): number {
    if (!this.map.getLayer(RUNS)) return 0;
    return new Set(this.map.queryRenderedFeatures({ layers: [RUNS] }).map(({ properties }) => String(properties["key"]))).size;
  }

  pixelOf(driverId: string): [number, number] | undefined {
    const marker = this.markerOf(driverId);
    if (marker === undefined) return undefined;
    const { x, y } = this.map.project(marker);
    return [x, y];
  }

  /** Whether all that is to be seen has come and is drawn. */
  isDrawn(): boolean {
    return !this.isLost && this.map.loaded() && this.map.areTilesLoaded();
  }

  /** What was drawn is gone with the card; without it the map has no style to ask for anything. */
  private lose(isLost: boolean): void {
    this.isLost = isLost;
    this.isWhole = false;
    this.hasStreets = false;
    this.canDraw(!isLost);
    if (!isLost) this.update(this.selection);
  }

  /** Sources and layers of a new style are empty. */
  private drawAnew(): void {
    if (this.isLost || !this.map.getLayer(NAMES)) return;
    if (!this.map.getLayer(DRIVERS)) {
      this.map.addLayer(new DriverLayer(this.glides, () => this.markerPx()), NAMES);
      this.isWhole = false;
    }
    this.drawRuns();
    this.drawNames(performance.now());
  }

  /** Draw of runs and stops what has changed since the last time. */
  private drawRuns(): void {
    if (this.isLost || !this.hasStreets) return;
    const [runs, stops] = [this.source(RUNS), this.source(STOPS)];
    if (!runs || !stops) return;
    const { selection, drawn } = this;
    const isWhole = !this.isWhole || !isSame(selection, this.drawnFor);
    const changed = [...this.fleet.runs.values()].filter((run) => isWhole || drawn.get(run.id) !== run);
    const gone = [...drawn.keys()].filter((id) => !this.fleet.runs.has(id));
    if (!isWhole && changed.length === 0 && gone.length === 0) return;
    const asks = this.fleet.runs.size <= ROADS_MAX;
    if (this.asks && !asks) this.ways.askNoMore(); // runs come in parts, of which the first are few
    this.asks = asks;
    const lines = changed.flatMap((run) => runFeatures(run, this.ways, selection, asks));
    const points = changed.flatMap((run) => stopFeatures(run, selection, asks));
    if (isWhole) {
      runs.setData({ type: "FeatureCollection", features: lines });
      stops.setData({ type: "FeatureCollection", features: points });
      drawn.clear();
    } else {
      const before = [...gone, ...changed.map(({ id }) => id)].flatMap((id) => drawn.get(id)?.stops ?? []);
      runs.updateData({ remove: gone, add: lines });
      stops.updateData({ remove: before.map(({ id }) => id), add: points });
    }
    for (const run of changed) drawn.set(run.id, run);
    for (const id of gone) drawn.delete(id);
    this.isWhole = true;
    this.drawnFor = selection;
  }

  private startRuns(): void {
    if (this.hasStreets) return;
    this.hasStreets = true;
    this.drawRuns();
  }

  private drawWay(runId: string): void {
    this.drawn.delete(runId);
    this.waysTimer ??= setTimeout(() => {
      this.waysTimer = undefined;
      this.drawRuns();
    }, WAYS_MS);
  }

  private drawNames(now: number): void {
    if (this.isLost) return;
    const isWanted = this.map.getZoom() >= NAMES_ZOOM;
    if (!isWanted && !this.hasNames) return;
    const bounds = this.map.getBounds();
    const data = nameFeatures(this.fleet, this.glides, (at) => isWanted && bounds.contains(at), now);
    if (data.features.length === 0 && !this.hasNames) return;
    this.hasNames = data.features.length > 0;
    this.source(NAMES)?.setData(data);
  }

  private markerPx(): number {
    const px = MARKER_PX + (this.map.getZoom() - GLIDE_ZOOM) * 5;
    return Math.min(MARKER_PX, Math.max(MARKER_MIN_PX, px));
  }

  /** Draw again and again while somebody is seen to move. */
  private glide(): void {
    if (this.isGliding || !this.glides.isMoving(performance.now())) return;
    this.isGliding = true;
    setTimeout(() => {
      this.isGliding = false;
      this.drawNames(performance.now());
      this.map.triggerRepaint();
      this.glide();
    }, GLIDE_FRAME_MS);
  }

  private source(id: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(id);
  }

  /** Show everything there is, the first time that there is something. */
  private fitOnce(): void {
    if (this.isFitted) return;
    this.isFitted = this.fit(this.fleet.runs.values(), this.fleet.drivers.values(), 0);
  }

  /** Show all of these; false when none of them has a position. */
  private fit(
    runs: Iterable<RunRecord>,
    drivers: Iterable<Driver>,
    duration: number,
  ): boolean {
    const bounds = new LngLatBounds();
    for (const { position } of drivers) bounds.extend(position);
    for (const run of runs) {
      for (const { position } of run.stops) if (position) bounds.extend(position);
    }
    if (bounds.isEmpty()) return false;
    this.map.fitBounds(bounds, { padding: 70, maxZoom: 15, duration });
    return true;
  }

  private meantBy({ point, lngLat }: MapMouseEvent): Selection | undefined {
    if (this.isLost || !this.map.getLayer(DRIVERS)) return undefined;
    const reach = (this.markerPx() / 2 + REACH_PX) / (WORLD_PX * 2 ** this.map.getZoom());
    const driver = this.glides.nearest(lngLat.toArray(), reach, performance.now());
    if (driver !== undefined) return { key: this.fleet.keyOfDriver(driver), stopId: undefined };
    const around: [[number, number], [number, number]] = [
      [point.x - REACH_PX, point.y - REACH_PX],
      [point.x + REACH_PX, point.y + REACH_PX],
    ];
    for (const layer of [STOPS, RUNS]) {
      const found = this.map.queryRenderedFeatures(around, { layers: [layer] })[0]?.properties;
      if (found === undefined) continue;
      const stopId = layer === STOPS ? String(found["stopId"]) : undefined;
      return { key: String(found["key"]), stopId };
    }
    return undefined;
  }
}

const isSame = (one: Selection | undefined, other: Selection | undefined): boolean =>
  one?.key === other?.key && one?.stopId === other?.stopId;

function styleOf(dark: boolean): StyleSpecification {
  const named = (promoteId?: string): SourceSpecification => ({
    type: "geojson",
    data: { type: "FeatureCollection", features: [] },
    ...(promoteId && { promoteId }),
  });
  return {
    version: 8,
    sources: { basemap: BASEMAP_SOURCE, [RUNS]: named("key"), [STOPS]: named("stopId"), [NAMES]: named() },
    layers: [...basemapLayers(dark), ...runLayers(), ...stopLayers(dark), nameLayer(dark)],
  };
}

export function canDrawMaps(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}
