/** A driver's day told as drives and halts, below the trail. */

import type { LonLat } from "../frames";
import { t } from "../language";
import { h } from "../page";
import { clockTime, duration, kilometres } from "../values";

interface TripPiece {
  kind: "halt" | "drive" | "silence";
  from_at: string;
  until_at: string;
  driven_m: number | null;
  position: LonLat | null;
  at: { name: string } | null;
}

export interface DayOfTrips {
  pieces: TripPiece[];
  driven_m: number;
  drove_s: number;
  halted_s: number;
  silent_s: number;
}

/** showAt: what a press on a piece shows, by the moment when it began. */
export function tripTable(day: DayOfTrips, showAt: (iso: string) => void): HTMLElement {
  const rows = day.pieces.map((piece) =>
    h("tr", {},
      h("td", {}, h("button", { type: "button", class: "link", onclick: () => showAt(piece.from_at) }, clockTime(piece.from_at))),
      h("td", {}, clockTime(piece.until_at)),
      h("td", {}, { halt: t("Halt"), drive: t("Drive"), silence: t("Nothing heard") }[piece.kind]),
      h("td", {}, piece.driven_m === null ? (piece.at?.name ?? "") : kilometres(piece.driven_m)),
      h("td", {}, duration((Date.parse(piece.until_at) - Date.parse(piece.from_at)) / 1000))));
  return h("div", { class: "scroll" }, h("table", {},
    h("caption", {}, t("{way} driven in {drove}, {halted} at halts", {
      way: kilometres(day.driven_m), drove: duration(day.drove_s), halted: duration(day.halted_s),
    })),
    h("thead", {}, h("tr", {}, ...[t("From"), t("Until"), t("What"), t("How far, or where"), t("How long")].map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, ...rows)));
}
