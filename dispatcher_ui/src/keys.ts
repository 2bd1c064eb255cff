/** The keyboard: Ctrl K searches, g and a letter goes to a room, n makes a new order, ? tells. */

import { t } from "./language";
import { h, part } from "./page";
import { openDialog } from "./parts/dialog";
import { openSearch } from "./parts/search";
import { roomUrl, type Room } from "./rooms";
import { go } from "./router";

const LETTERS: Record<string, string> = {
  l: "", x: "exceptions", o: "orders", p: "plan", t: "day", r: "returns", w: "warehouse",
  b: "billing", d: "people", f: "reports", k: "keys", c: "company",
};
const CHORD_MS = 1_500;

export function startKeys(rooms: Room[]): void {
  let wentMs = -CHORD_MS;
  part("search").onclick = () => openSearch(rooms);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openSearch(rooms);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const room = rooms.find((each) => each.path === LETTERS[event.key]);
    if (event.timeStamp - wentMs < CHORD_MS && room) {
      event.preventDefault();
      wentMs = -CHORD_MS;
      go(roomUrl(room.path));
    } else if (event.key === "g") wentMs = event.timeStamp;
    else if (event.key === "/") {
      event.preventDefault();
      openSearch(rooms);
    } else if (event.key === "n" && rooms.some((each) => each.path === "orders")) {
      event.preventDefault();
      go(roomUrl("orders", "new"));
    } else if (event.key === "?") showKeys(rooms);
  });
}

function showKeys(rooms: Room[]): void {
  const keys: [string, string][] = [
    [`${t("Ctrl K")}  /`, t("Search")],
    ["n", t("New order")],
    ...Object.entries(LETTERS).flatMap(([letter, path]): [string, string][] => {
      const room = rooms.find((each) => each.path === path);
      return room ? [[`g ${letter}`, t(room.title)]] : [];
    }),
    ["↑ ↓", t("From row to row; Enter opens, Space chooses")],
  ];
  openDialog(t("Keys"), h("dl", { class: "keys" }, ...keys.flatMap(([key, what]) => [
    h("dt", {}, h("kbd", {}, key)),
    h("dd", {}, what),
  ])));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
