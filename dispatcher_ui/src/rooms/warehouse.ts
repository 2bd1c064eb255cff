/** Stock and the work with it, made for a scanner and a cheap tablet as well as for a desk. */

import { t } from "../language";
import { showTabs } from "../parts/listing";
import type { View } from "../rooms";
import { showGate, showLoadCheck } from "./gate";
import { showFulfilments } from "./packing";
import { showWaves } from "./picking";
import { openStationOf, showStations } from "./stations";
import { showContainers, showHandovers, showPurchases, showShortages, showSku } from "./stock_work";
import { showLevels, showLocations, showLow, showMoves, showSkus } from "./stock";

export async function open(view: View): Promise<void> {
  const [first, id] = view.segments;
  if (first === "load" && id) return showLoadCheck(view, id);
  if (await openStationOf(view)) return;
  if (first === "skus" && id) return showSku(view, id);
  return showTabs(view, "warehouse", [
    { path: "", title: t("Stock"), show: (place) => showLevels(view, place) },
    { path: "scan", title: t("Scanner"), show: (place) => showStations(place) },
    { path: "gate", title: t("Gate"), show: (place) => showGate(place) },
    { path: "waves", title: t("Picking"), show: (place) => showWaves(view, place) },
    { path: "packing", title: t("Packing"), show: (place) => void showFulfilments(view, place) },
    { path: "low", title: t("Running out"), show: (place) => void showLow(view, place) },
    { path: "shortages", title: t("Shortages"), show: (place) => showShortages(view, place) },
    { path: "purchases", title: t("Expected goods"), show: (place) => showPurchases(view, place) },
    { path: "containers", title: t("Cages and bags"), show: (place) => showContainers(view, place) },
    { path: "handovers", title: t("Handed over"), show: (place) => showHandovers(view, place) },
    { path: "moves", title: t("Moves"), show: (place) => void showMoves(view, place) },
    { path: "skus", title: "SKUs", show: (place) => showSkus(view, place) },
    { path: "locations", title: t("Locations"), show: (place) => showLocations(view, place) },
  ]);
}
