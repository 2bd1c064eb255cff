/** The pages for a scanner and a cheap tablet, and the way to them. */

import { t } from "../language";
import { h } from "../page";
import { roomUrl, type View } from "../rooms";
import { chooseOrder, pack } from "../stations/pack";
import { chooseWave, pick } from "../stations/pick";
import { chooseDelivery, countShelf, putBack, receive } from "../stations/shelf";
import { tile } from "../stations/station";

/** The work that the URL names; false when it names none. */
export async function openStationOf(view: View): Promise<boolean> {
  const [work = "", id] = view.segments;
  const works: Record<string, () => Promise<void>> = {
    pick: () => (id ? pick(view, id) : chooseWave(view)),
    pack: () => (id ? pack(view, id) : chooseOrder(view)),
    receive: () => (id ? receive(view, id) : chooseDelivery(view)),
    count: () => countShelf(view),
    "put-back": () => putBack(view),
  };
  const open = works[work];
  await open?.();
  return open !== undefined;
}

export function showStations(place: HTMLElement): void {
  const way = (...path: string[]): string => roomUrl("warehouse", ...path);
  place.append(
    h("p", {}, t("For a scanner and a tablet: scan anywhere on the page, touch what is large.")),
    h("ul", { class: "tiles" },
      tile(way("pick"), t("Picking"), t("The shortest walk, shelf by shelf")),
      tile(way("pack"), t("Packing"), t("Into the right carton, with its label")),
      tile(way("receive"), t("Receiving"), t("What suppliers send, onto its shelf")),
      tile(way("count"), t("Counting"), t("What really lies on a shelf")),
      tile(way("put-back"), t("Putting back"), t("What was picked for cancelled orders")),
      tile(way("gate"), t("Gate"), t("Parcels, cages and bags, in and out"))));
}
