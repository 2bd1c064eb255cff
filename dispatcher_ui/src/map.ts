/** The map: our own street tiles, and on them runs, stops and drivers. */

import { LngLatBounds, Map as LibreMap, NavigationControl, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource, MapMouseEvent, SourceSpecification, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { BASEMAP_SOURCE, basemapLayers } from "./basemap";
import type { Fleet } from "./fleet";
import type { DriverRecord, LonLat, RunRecord } from "./frames";
import { ARROW, arrowImage, driverFeatures, driverLayers, DRIVERS, Glides } from "./layers/drivers";
import { runFeatures, runLayers, RUNS } from "./layers/runs";
import { stopFeatures, stopLayers, STOPS } from "./layers/stops";
import type { Selection } from "./run_list";
import { isDark } from "./look";
import { Ways } from "./ways";

const GLIDE_FRAME_MS = 60;
const CLOSE_ZOOM = 14;
const REACH_PX = 8;
const EASE_MS = 600;

setWorkerUrl(workerUrl);

export class FleetMap {
  private readonly map: LibreMap;
  private readonly glides = new Glides();
  private readonly ways = new Ways(() => this.drawRuns());
  private readonly theme = matchMedia("(prefers-color-scheme: dark)");
  private selection: Selection | undefined;
  private isFitted = location.hash.includes("map=");
  private isGliding = false;
  private drawnMs = 0;

  constructor(
    container: HTMLElement,
    private readonly fleet: Fleet,
    select: (selection: Selection | undefined) => void,
    lookAt: (bounds: [LonLat, LonLat]) => void,
  ) {
    this.map = new LibreMap({
      container,
      style: styleOf(isDark()),
      hash: "map",
      center: [0, 20],
      zoom: 1,
      attributionControl: false, // the page itself always shows it
      dragRotate: false,
      pitchWithRotate: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.setMissingStyleImageResolver((id) => {
      if (id === ARROW) this.map.addImage(ARROW, arrowImage(), { pixelRatio: 2 });
    });
    this.map.on("styledata", () => this.draw());
    this.map.on("click", (event) => select(this.meantBy(event)));
    this.map.on("moveend", () => {
      const bounds = this.map.getBounds();
      lookAt([bounds.getSouthWest().toArray(), bounds.getNorthEast().toArray()]);
    });
    this.map.on("mousemove", (event) => {
      this.map.getCanvas().style.cursor = this.meantBy(event) ? "pointer" : "";
    });
    this.theme.addEventListener("change", () => this.map.setStyle(styleOf(isDark())));
  }

  update(selection: Selection | undefined): void {
    this.selection = selection;
    this.glides.aim(this.fleet, performance.now());
    this.fitOnce();
    this.draw();
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

  /** Where a driver's marker is drawn now. */
  markerOf(driverId: string): LonLat | undefined {
    return this.glides.at(driverId, performance.now());
  }

  /** How a run is drawn now. */
  lineOf(runId: string): LonLat[] {
    const run = this.fleet.runs.get(runId);
    return run ? this.ways.lineOf(run) : [];
  }

  pixelOf(driverId: string): [number, number] | undefined {
    const marker = this.markerOf(driverId);
    if (marker === undefined) return undefined;
    const { x, y } = this.map.project(marker);
    return [x, y];
  }

  /** Whether all that is to be seen has come and is drawn. */
  isDrawn(): boolean {
    return this.map.loaded() && this.map.areTilesLoaded();
  }

  private draw(): void {
    const now = performance.now();
    this.drawnMs = now;
    this.drawRuns();
    this.source(STOPS)?.setData(stopFeatures(this.fleet, this.selection));
    this.drawDrivers(now);
  }

  private drawRuns(): void {
    this.source(RUNS)?.setData(runFeatures(this.fleet, this.ways, this.selection));
  }

  private drawDrivers(now: number): void {
    this.source(DRIVERS)?.setData(driverFeatures(this.fleet, this.glides, this.selection, now));
  }

  private glide(): void {
    if (this.isGliding) return;
    this.isGliding = true;
    const step = (now: number): void => {
      if (now - this.drawnMs >= GLIDE_FRAME_MS) {
        this.drawDrivers(now);
        this.drawnMs = now;
      }
      this.isGliding = this.glides.isMoving(now);
      if (this.isGliding) requestAnimationFrame(step);
      else this.drawDrivers(now);
    };
    requestAnimationFrame(step);
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
    drivers: Iterable<DriverRecord>,
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

  private meantBy({ point }: MapMouseEvent): Selection | undefined {
    if (!this.map.getLayer(DRIVERS)) return undefined;
    const around: [[number, number], [number, number]] = [
      [point.x - REACH_PX, point.y - REACH_PX],
      [point.x + REACH_PX, point.y + REACH_PX],
    ];
    for (const layer of [DRIVERS, STOPS, RUNS]) {
      const found = this.map.queryRenderedFeatures(around, { layers: [layer] })[0]?.properties;
      if (found === undefined) continue;
      if (layer === DRIVERS) {
        return { key: this.fleet.keyOfDriver(String(found["driverId"])), stopId: undefined };
      }
      const stopId = layer === STOPS ? String(found["stopId"]) : undefined;
      return { key: String(found["key"]), stopId };
    }
    return undefined;
  }
}

function styleOf(dark: boolean): StyleSpecification {
  const empty: SourceSpecification = {
    type: "geojson",
    data: { type: "FeatureCollection", features: [] },
  };
  return {
    version: 8,
    sources: { basemap: BASEMAP_SOURCE, [RUNS]: empty, [STOPS]: empty, [DRIVERS]: empty },
    layers: [...basemapLayers(dark), ...runLayers(), ...stopLayers(dark), ...driverLayers(dark)],
  };
}

export function canDrawMaps(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}
