/** Work at a shelf with a scanner: what comes is put on it, what lies there is counted, what was
 * picked in vain goes back. */

import { get, getAll, newKey, send } from "../api";
import { t, tn } from "../language";
import { h, say, tell } from "../page";
import { roomUrl, type View } from "../rooms";
import { payingAccounts } from "../rooms/orders";
import { go } from "../router";
import { date } from "../values";
import type { Level, Location, PickTask, PurchaseNote, Sku } from "./records";
import { large, openStation, stepper, tile, WrongScan } from "./station";

const UNITS_MAX = 100_000;
const readShelves = (): Promise<Location[]> => getAll<Location>("/api/locations", { limit: 200 });

interface Come { sku: Sku; quantity: number; lot: string; expiresOn: string }

/** What is expected, to choose from. */
export async function chooseDelivery(view: View): Promise<void> {
  const [notes, accounts] = await Promise.all([getAll<PurchaseNote>("/api/purchase-notes", { limit: 200 }), payingAccounts()]);
  const due = notes.filter((note) => note.lines.some((line) => line.received < line.ordered));
  const url = (id: string): string => roomUrl("warehouse", "receive", id);
  const station = openStation(view, t("Receiving"), async (code) => {
    const note = due.find((each) => each.number === code);
    if (!note) throw new WrongScan(t("No delivery with the number {code} is expected", { code }));
    go(url(note.id));
    return "";
  });
  station.now.append(
    h("p", {}, t("Scan the number of the delivery note, or touch what comes.")),
    h("ul", { class: "tiles" },
      ...due.map((note) => tile(url(note.id), note.number, note.supplier, note.expected_on ? t("Expected {day}", { day: date(note.expected_on) }) : null)),
      ...accounts.map((each) => tile(`${url(each.id)}?account`, t("Without a note"), each.name))));
}

/** Onto the shelf that was scanned last goes what is scanned after it. */
export async function receive(view: View, id: string): Promise<void> {
  const note = view.query.has("account") ? undefined : await get<PurchaseNote>(`/api/purchase-notes/${id}`);
  const accountId = note?.account_id ?? id;
  const shelves = await readShelves();
  const come = new Map<string, Come>();
  let shelf: Location | undefined;
  let last = "";
  let key = newKey();

  const station = openStation(view, note ? t("Receiving {number}", { number: note.number }) : t("Receiving"), async (code) => {
    const found = shelves.find((each) => each.path === code);
    if (found) {
      if (come.size > 0) throw new WrongScan(t("Put away first what is scanned."));
      shelf = found;
      draw();
      return t("Onto {place}", { place: found.path });
    }
    if (!shelf) throw new WrongScan(t("Scan the shelf first."));
    const known = come.get(code);
    if (known) known.quantity += 1;
    else come.set(code, { sku: await skuOf(accountId, code), quantity: 1, lot: "", expiresOn: "" });
    last = code;
    draw();
    const line = come.get(code);
    return t("{n} × {goods}", { n: line?.quantity ?? 1, goods: line?.sku.name ?? code });
  }, "receive");

  const putAway = async (): Promise<string> => {
    if (!shelf || come.size === 0) throw new WrongScan(t("Scan the shelf and the goods first."));
    const goods = [...come.values()].filter((each) => each.quantity > 0).map((each) => ({
      sku: each.sku.code, quantity: each.quantity, lot: each.lot || null, expires_on: each.expiresOn || null,
    }));
    await send("POST", "/api/stock/receipts", { account_id: accountId, location_id: shelf.id, goods, note_id: note?.id ?? null }, key);
    for (const { sku, quantity } of goods) {
      const line = note?.lines.find((each) => each.sku === sku);
      if (line) line.received += quantity;
    }
    const units = goods.reduce((sum, each) => sum + each.quantity, 0);
    const place = shelf.path;
    come.clear();
    key = newKey();
    draw();
    return tn(Number(units), "{n} unit lies on {place}", "{n} units lie on {place}", { n: units, place });
  };
  const draw = (): void => {
    station.now.replaceChildren(
      h("div", { class: "step", "data-done": shelf !== undefined }, h("small", {}, t("Onto the shelf")), h("strong", {}, shelf?.path ?? t("Scan the shelf"))),
      h("ul", { class: "tally", "aria-label": t("Goods") }, ...[...come].map(([code, each]) => lineOf(each, code === last))),
      note ? h("div", { class: "upcoming" }, ...note.lines.map((line) => h("p", {}, t("{sku}: {n} of {all} have come", { sku: line.sku, n: line.received, all: line.ordered })))) : "");
    station.foot.replaceChildren(large(t("Put away"), () => station.act(putAway), "main"));
  };
  const lineOf = (each: Come, isLast: boolean): HTMLElement => {
    const input = (label: string, type: string, value: string, typed: (value: string) => void): HTMLElement => {
      const control = h("input", { type, value, autocomplete: "off", oninput: () => typed(control.value) });
      return h("label", {}, label, control);
    };
    return h("li", { "data-last": isLast },
      h("div", {}, h("strong", {}, each.sku.name), h("small", {}, each.sku.code)),
      stepper(each.sku.name, each.quantity, UNITS_MAX, (quantity) => (each.quantity = quantity)),
      each.sku.has_lots && h("div", { class: "more" },
        input(t("Lot"), "text", each.lot, (value) => (each.lot = value)),
        input(t("Best before"), "date", each.expiresOn, (value) => (each.expiresOn = value))));
  };
  draw();
}

async function skuOf(accountId: string | null, code: string): Promise<Sku> {
  const { items } = await get<{ items: Sku[] }>("/api/skus", { account: accountId, code, limit: 1 });
  if (!items[0]) throw new WrongScan(t("Nobody knows goods called {code}", { code }));
  return items[0];
}

interface Counted { skuId: string; sku: string; lot: string | null; book: number | null; units: number; isTouched: boolean }

/** What the books say is not shown: who sees it counts what is expected. */
export async function countShelf(view: View): Promise<void> {
  const shelves = await readShelves();
  let shelf: Location | undefined;
  let lines: Counted[] = [];
  let last: Counted | undefined;

  const station = openStation(view, t("Counting"), async (code) => {
    const found = shelves.find((each) => each.path === code);
    if (found) {
      if (lines.some((each) => each.isTouched)) throw new WrongScan(t("Note first what is counted here."));
      return begin(found);
    }
    if (!shelf) throw new WrongScan(t("Scan the shelf first."));
    let line = lines.find((each) => each.sku === code);
    if (!line) {
      const sku = await skuOf(null, code);
      line = { skuId: sku.id, sku: sku.code, lot: null, book: null, units: 0, isTouched: false };
      lines.push(line);
    }
    line.units += 1;
    line.isTouched = true;
    last = line;
    draw();
    return t("{n} × {goods}", { n: line.units, goods: line.sku });
  });
  const begin = async (place: Location): Promise<string> => {
    shelf = place;
    const levels = await getAll<Level>("/api/stock/levels", { location: place.id, limit: 200 });
    lines = levels.filter((each) => each.location_id === place.id).map((each) =>
      ({ skuId: each.sku_id, sku: each.sku, lot: each.lot, book: each.on_hand, units: 0, isTouched: false }));
    last = undefined;
    draw();
    return t("Count what lies on {place}", { place: place.path });
  };
  const note = async (counted: Counted[]): Promise<string> => {
    const place = shelf;
    if (!place || counted.length === 0) throw new WrongScan(t("Count something first."));
    const differs: string[] = [];
    for (const each of counted) {
      const { change } = await send<{ change: number }>("POST", "/api/stock/counts", countOf(each, place, each.units));
      if (change !== 0) differs.push(`${each.sku} ${change > 0 ? "+" : "−"}${Math.abs(change)}`);
    }
    tell(differs.length === 0 ? t("The count agrees.") : t("Corrected: {list}", { list: differs.join(", ") }), {
      label: t("Undo"),
      act: () => station.act(async () => {
        for (const each of counted) await send("POST", "/api/stock/counts", countOf(each, place, each.book ?? 0));
        return t("The count is taken back");
      }),
    });
    shelf = undefined;
    lines = [];
    draw();
    return t("{place} is counted", { place: place.path });
  };
  const countOf = (each: Counted, place: Location, counted: number): object =>
    ({ sku_id: each.skuId, location_id: place.id, lot: each.lot, counted });
  const draw = (): void => {
    station.now.replaceChildren(
      h("div", { class: "step", "data-done": shelf !== undefined }, h("small", {}, t("Shelf")), h("strong", {}, shelf?.path ?? t("Scan the shelf"))),
      h("ul", { class: "tally", "aria-label": t("Goods") }, ...lines.map((each) => {
        const seen = h("small", {}, each.isTouched ? t("counted") : t("not counted yet"));
        return h("li", { "data-last": each === last, "data-done": each.isTouched },
          h("div", {}, h("strong", {}, each.sku), each.lot && h("small", {}, `${t("Lot")} ${each.lot}`), seen),
          stepper(each.sku, each.units, UNITS_MAX, (units) => {
            each.units = units;
            each.isTouched = true;
            say(seen, t("counted"));
          }));
      })));
    station.foot.replaceChildren(...(shelf ? [
      large(t("Nothing else lies here"), () => station.act(() => note(lines))),
      large(t("Note what I counted"), () => station.act(() => note(lines.filter((each) => each.isTouched))), "main"),
    ] : []));
  };
  draw();
}

/** Goods that were picked for orders that are cancelled by now. */
export async function putBack(view: View): Promise<void> {
  let tasks: PickTask[] = [];
  const station = openStation(view, t("Putting back"), async (code) => {
    const task = tasks[0];
    if (!task) throw new WrongScan(t("Nothing is to be put back."));
    if (code !== task.location) throw new WrongScan(t("Wrong shelf: go to {place}", { place: task.location }));
    return done(task);
  });
  const done = async (task: PickTask): Promise<string> => {
    await send("POST", `/api/put-backs/${task.id}`, { location: task.location });
    await show();
    return t("{n} × {goods} lie there again", { n: task.quantity, goods: task.name });
  };
  const show = async (): Promise<void> => {
    tasks = await getAll<PickTask>("/api/put-backs", { limit: 200 });
    const task = tasks[0];
    if (!task) {
      station.now.replaceChildren(h("div", { class: "step", "data-done": true }, h("strong", {}, t("Nothing is to be put back."))));
      return station.foot.replaceChildren();
    }
    station.now.replaceChildren(
      h("div", { class: "step" }, h("small", {}, `${task.sku} · ${t("Order")} ${task.order_number}`), h("strong", {}, `${task.quantity} × ${task.name}`)),
      h("div", { class: "step" }, h("small", {}, t("Back to the shelf, then scan it")), h("strong", {}, task.location)),
      h("p", { class: "upcoming" }, t("{n} to put back", { n: tasks.length })));
    station.foot.replaceChildren(large(t("It lies there"), () => station.act(() => done(task)), "main"));
  };
  await show();
}
