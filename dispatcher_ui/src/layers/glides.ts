/** Where drivers' markers are between two positions: side by side in one array, as the graphics card
 * reads it. */

import { colourOf } from "../colours";
import type { Fleet } from "../fleet";
import type { LonLat } from "../frames";

/** Of one marker: from x and y, to x and y, when it began to move and for how long, its heading, and
 * red, green, blue and size as a byte each. */
export const FLOATS = 8;
export const BYTES = FLOATS * 4;
export const SIZES = { hidden: 0, usual: 128, chosen: 255 } as const;

const GLIDE_MIN_MS = 250;
const GLIDE_MAX_MS = 3_000;
/** Further than this in one step is no driving; the marker jumps. In degrees. */
const JUMP_DEG = 0.05;
const BEGIN_WITH = 64;

/** x and y are Mercator's, of the world as a square of 1, from an origin near the markers: single
 * precision is enough there. Times are in seconds since the page was opened. */
export class Glides {
  count = 0;
  values = new Float32Array(BEGIN_WITH * FLOATS);
  origin: { x: number; y: number } | undefined;
  /** Counts every change, so that who draws knows when to read again. */
  version = 0;
  private looks = new Uint8Array(this.values.buffer);
  private places = new Float64Array(BEGIN_WITH * 2);
  private readonly slots = new Map<string, number>();
  private readonly free: number[] = [];
  private untilS = 0;
  private chosenId: string | undefined;
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");

  /** Take in the newest positions; each is reached in about the time until the next one, or at once
   * where nobody would see the difference. */
  aim(fleet: Fleet, nowMs: number, isFine: boolean): void {
    this.version += 1;
    const nowS = nowMs / 1000;
    const glides = isFine && !this.still.matches;
    for (const [id, { position, heading_deg: headingDeg }] of fleet.drivers) {
      const [lon, lat] = position;
      const slot = this.slots.get(id);
      if (slot === undefined) {
        this.add(id, lon, lat, headingDeg, nowS);
        continue;
      }
      const isHere = this.places[2 * slot] === lon && this.places[2 * slot + 1] === lat;
      if (!isHere) this.lead(slot, lon, lat, headingDeg, nowS, glides);
    }
    if (this.slots.size > fleet.drivers.size) this.forgetGone(fleet);
  }

  choose(id: string | undefined): void {
    if (id === this.chosenId) return;
    for (const [each, size] of [[this.chosenId, SIZES.usual], [id, SIZES.chosen]] as const) {
      const slot = each === undefined ? undefined : this.slots.get(each);
      if (slot !== undefined) this.looks[slot * BYTES + BYTES - 1] = size;
    }
    this.chosenId = id;
    this.version += 1;
  }

  /** Where a driver's marker is drawn. */
  at(id: string, nowMs: number): LonLat | undefined {
    const slot = this.slots.get(id);
    if (slot === undefined) return undefined;
    if (this.share(slot, nowMs / 1000) >= 1) {
      return [this.places[2 * slot] ?? 0, this.places[2 * slot + 1] ?? 0];
    }
    const [x, y] = this.whereIs(slot, nowMs / 1000);
    return [lonOf(x + (this.origin?.x ?? 0)), latOf(y + (this.origin?.y ?? 0))];
  }

  isMoving(nowMs: number): boolean {
    return nowMs / 1000 < this.untilS;
  }

  /** Who is nearest to a place, within a reach; both in Mercator's units. */
  nearest([lon, lat]: LonLat, reach: number, nowMs: number): string | undefined {
    const x = xOf(lon) - (this.origin?.x ?? 0);
    const y = yOf(lat) - (this.origin?.y ?? 0);
    let best = reach ** 2;
    let found: string | undefined;
    for (const [id, slot] of this.slots) {
      const [hereX, hereY] = this.whereIs(slot, nowMs / 1000);
      const far = (hereX - x) ** 2 + (hereY - y) ** 2;
      if (far > best) continue;
      best = far;
      found = id;
    }
    return found;
  }

  private add(id: string, lon: number, lat: number, headingDeg: number | null, nowS: number): void {
    this.origin ??= { x: xOf(lon), y: yOf(lat) };
    const slot = this.free.pop() ?? this.count++;
    if ((slot + 1) * FLOATS > this.values.length) this.grow();
    this.slots.set(id, slot);
    const size = id === this.chosenId ? SIZES.chosen : SIZES.usual;
    this.looks.set([...bytesOf(colourOf(id)), size], slot * BYTES + BYTES - 4);
    this.lead(slot, lon, lat, headingDeg, nowS, false);
  }

  private lead(
    slot: number, lon: number, lat: number, headingDeg: number | null, nowS: number, glides: boolean,
  ): void {
    const { values, places } = this;
    const at = slot * FLOATS;
    const farDeg = Math.hypot(lon - (places[2 * slot] ?? 0), lat - (places[2 * slot + 1] ?? 0));
    const [x, y] = [xOf(lon) - (this.origin?.x ?? 0), yOf(lat) - (this.origin?.y ?? 0)];
    const jumps = !glides || farDeg > JUMP_DEG;
    const [fromX, fromY] = jumps ? [x, y] : this.whereIs(slot, nowS);
    const sinceMs = (nowS - (values[at + 4] ?? 0)) * 1000;
    const lastS = jumps ? 0 : Math.min(Math.max(sinceMs, GLIDE_MIN_MS), GLIDE_MAX_MS) / 1000;
    values[at] = fromX;
    values[at + 1] = fromY;
    values[at + 2] = x;
    values[at + 3] = y;
    values[at + 4] = nowS;
    values[at + 5] = lastS;
    values[at + 6] = ((headingDeg ?? 0) * Math.PI) / 180;
    places[2 * slot] = lon;
    places[2 * slot + 1] = lat;
    this.untilS = Math.max(this.untilS, nowS + lastS);
  }

  private share(slot: number, nowS: number): number {
    const at = slot * FLOATS;
    const lastS = this.values[at + 5] ?? 0;
    return lastS === 0 ? 1 : Math.min(1, (nowS - (this.values[at + 4] ?? 0)) / lastS);
  }

  private whereIs(slot: number, nowS: number): [x: number, y: number] {
    const { values } = this;
    const at = slot * FLOATS;
    const share = this.share(slot, nowS);
    const [fromX = 0, fromY = 0, toX = 0, toY = 0] = [values[at], values[at + 1], values[at + 2], values[at + 3]];
    return [fromX + (toX - fromX) * share, fromY + (toY - fromY) * share];
  }

  private forgetGone(fleet: Fleet): void {
    for (const [id, slot] of this.slots) {
      if (fleet.drivers.has(id)) continue;
      this.slots.delete(id);
      this.free.push(slot);
      this.looks[slot * BYTES + BYTES - 1] = SIZES.hidden;
    }
  }

  private grow(): void {
    const values = new Float32Array(this.values.length * 2);
    values.set(this.values);
    const places = new Float64Array(this.places.length * 2);
    places.set(this.places);
    this.values = values;
    this.looks = new Uint8Array(values.buffer);
    this.places = places;
  }
}

export const xOf = (lon: number): number => (180 + lon) / 360;
export const yOf = (lat: number): number =>
  (180 - (180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360))) / 360;
const lonOf = (x: number): number => x * 360 - 180;
const latOf = (y: number): number =>
  (360 / Math.PI) * Math.atan(Math.exp(((180 - y * 360) * Math.PI) / 180)) - 90;

function bytesOf(colour: string): [number, number, number] {
  const number = Number.parseInt(colour.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}
