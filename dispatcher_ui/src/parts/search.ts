/** Finds anything by any number, name or street: rooms, orders, parcels, drivers, addresses. */

import { get, Refusal, type Page } from "../api";
import { t } from "../language";
import { chooseDriver, fleet } from "../live";
import { h } from "../page";
import { roomUrl, type Room } from "../rooms";
import { go } from "../router";
import { words } from "../values";
import { openDialog } from "./dialog";

interface Hit {
  kind: string;
  text: string;
  open: () => void;
}

const QUIET_MS = 150;
const PER_KIND = 6;

export function openSearch(rooms: Room[]): void {
  if (document.querySelector("dialog.search[open]")) return;
  const input = h("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "hits",
    "aria-autocomplete": "list", "aria-label": t("Search"), autocomplete: "off",
    placeholder: t("Number, name, street, barcode or page"),
  });
  const list = h("ul", { id: "hits", role: "listbox", "aria-label": t("Found") });
  const dialog = openDialog(t("Search"), input, list);
  dialog.classList.add("search");
  let hits: Hit[] = [];
  let chosen = 0;
  let asked = 0;

  const draw = (): void => {
    list.replaceChildren(...hits.map((hit, index) =>
      h("li", {
        id: `hit-${index}`, role: "option", "aria-selected": String(index === chosen),
        onclick: () => take(hit),
      }, h("span", {}, hit.text), h("small", {}, hit.kind)),
    ));
    if (hits.length > 0) input.setAttribute("aria-activedescendant", `hit-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const take = (hit: Hit): void => {
    dialog.close();
    hit.open();
  };
  const look = async (): Promise<void> => {
    const text = input.value.trim();
    const number = ++asked;
    hits = nearHits(text, rooms);
    chosen = 0;
    draw();
    if (text.length < 2) return;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    if (number !== asked) return;
    for (const found of farHits(text, rooms)) {
      void found.then((more) => {
        if (number !== asked) return;
        hits = [...hits, ...more];
        draw();
      });
    }
  };
  input.oninput = () => void look();
  input.onkeydown = (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const hit = hits[chosen];
    if (step !== 0 && hits.length > 0) {
      event.preventDefault();
      chosen = (chosen + step + hits.length) % hits.length;
      draw();
    } else if (event.key === "Enter" && hit) {
      event.preventDefault();
      take(hit);
    }
  };
  void look();
}

/** What is known without asking the server. */
function nearHits(text: string, rooms: Room[]): Hit[] {
  const sought = text.toLocaleLowerCase();
  const pages = rooms.map((room) => ({ title: t(room.title), url: roomUrl(room.path) }));
  if (rooms.some((room) => room.path === "orders")) {
    pages.push({ title: t("New order"), url: roomUrl("orders", "new") });
    pages.push({ title: t("Import orders"), url: roomUrl("orders", "imports") });
    pages.push({ title: t("Places to pin"), url: roomUrl("orders", "places") });
  }
  const drivers = fleet.entries().filter((entry) => entry.name.toLocaleLowerCase().includes(sought));
  const stops = text.length < 3 ? [] : [...fleet.runs.values()].flatMap((run) =>
    run.stops
      .filter((stop) => stop.address.toLocaleLowerCase().includes(sought))
      .map((stop): Hit => ({
        kind: `${t("Stop")} · ${run.driver_name}`,
        text: stop.address,
        open: () => follow(run.driver_id),
      })),
  );
  return [
    ...pages
      .filter(({ title }) => title.toLocaleLowerCase().includes(sought))
      .map(({ title, url }): Hit => ({ kind: t("Page"), text: title, open: () => go(url) })),
    ...(text === "" ? [] : drivers.slice(0, PER_KIND)).map((entry): Hit => ({
      kind: t("Driver"), text: entry.name, open: () => follow(entry.driverId),
    })),
    ...stops.slice(0, PER_KIND),
  ];
}

function follow(driverId: string): void {
  go(roomUrl());
  chooseDriver(driverId);
}

function farHits(text: string, rooms: Room[]): Promise<Hit[]>[] {
  if (!rooms.some((room) => room.path === "orders")) return [];
  return [
    quiet(async () => {
      const found = await get<{ id: string; waybill: string; state: string; consignee: { name: string } }>(
        `/api/consignments/by-barcode/${encodeURIComponent(text)}`,
      );
      const open = (): void => go(roomUrl("orders", "consignments", found.id));
      return [{ kind: `${t("Parcel")} · ${words(found.state)}`, text: `${found.waybill} ${found.consignee.name}`, open }];
    }),
    quiet(async () => {
      const { items } = await get<Page<{ id: string; number: string; state: string; consignee: { name: string } }>>(
        "/api/orders", { text, limit: PER_KIND },
      );
      return items.map((order) => ({
        kind: `${t("Order")} · ${words(order.state)}`,
        text: `${order.number} ${order.consignee.name}`,
        open: () => go(roomUrl("orders", order.id)),
      }));
    }),
    ...(rooms.some((room) => room.path === "warehouse") ? [quiet(async () => {
      const { items } = await get<Page<{ sku_id: string; sku: string; serial: string; path: string }>>("/api/stock/serials", { serial: text });
      return items.map((unit) => ({
        kind: t("Serial number"), text: `${unit.serial} · ${unit.sku} · ${unit.path}`, open: () => go(roomUrl("warehouse", "skus", unit.sku_id)),
      }));
    })] : []),
    quiet(async () => {
      const { items } = await get<{ items: { line: string; position: [number, number] }[] }>(
        "/api/places/search", { q: text, limit: PER_KIND },
      );
      return items.map((place) => ({
        kind: t("Address"),
        text: place.line,
        open: () => {
          location.hash = "";
          go(`${roomUrl()}#map=16/${place.position[1]}/${place.position[0]}`);
          dispatchEvent(new HashChangeEvent("hashchange"));
        },
      }));
    }),
  ];
}

/** Not being found is no error of a search. */
async function quiet(look: () => Promise<Hit[]>): Promise<Hit[]> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
