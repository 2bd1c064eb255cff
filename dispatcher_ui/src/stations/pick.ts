/** Picking with a scanner: the shelves in the order of the shortest walk, what is not there, and what
 * goes instead. */

import { get, getAll, isOneOf, send } from "../api";
import { t } from "../language";
import { h } from "../page";
import { formDialog } from "../parts/form";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime } from "../values";
import type { FulfilmentDetail, Location, NextPick, Picked, PickTask, Shortage, Sku, Wave } from "./records";
import { large, openStation, stepper, tile, WrongScan } from "./station";

const UPCOMING = 3;
const url = (id: string): string => roomUrl("warehouse", "pick", id);

/** The rounds that are open, and a button for a new one. */
export async function chooseWave(view: View): Promise<void> {
  const [waves, locations] = await Promise.all([
    getAll<Wave>("/api/pick-waves", { state: "open", limit: 200 }), getAll<Location>("/api/locations", { limit: 200 }),
  ]);
  const warehouses = locations.filter(({ kind }) => kind === "warehouse");
  const nameOf = (id: string): string => warehouses.find((each) => each.id === id)?.name ?? "";
  const begin = async (warehouseId: string, key?: string): Promise<void> =>
    go(url((await send<Wave>("POST", "/api/pick-waves", { warehouse_id: warehouseId }, key)).id));
  const station = openStation(view, t("Picking"), async () => {
    throw new WrongScan(t("Begin a round first."));
  });
  station.now.append(waves.length === 0
    ? h("p", {}, t("No round is open. Begin one: it takes what is due first."))
    : h("ul", { class: "tiles" }, ...waves.map((wave) =>
        tile(url(wave.id), t("Round of {time}", { time: dateTime(wave.created_at) }), nameOf(wave.warehouse_id), t("{n} m to walk", { n: count(wave.walk_m) })))));
  const only = warehouses.length === 1 ? warehouses[0] : undefined;
  station.foot.append(large(t("Begin a new round"), () => {
    if (only) return station.act(async () => (await begin(only.id), ""));
    formDialog(t("New pick wave"), {
      fields: [{ name: "warehouse_id", label: t("Warehouse"), kind: "select", options: warehouses.map(({ id, name, path }) => [id, name || path]) }],
      button: t("Begin a new round"),
      submit: ({ warehouse_id = "" }, key) => begin(warehouse_id, key),
    });
  }, "main"));
}

export async function pick(view: View, id: string): Promise<void> {
  const path = `/api/pick-waves/${id}`;
  let next: NextPick;
  let walk: PickTask[] = [];
  let most = 0;
  let units = 0;
  let atShelf = "";
  let serials: string[] = [];
  let lack: { shortage: Shortage; sku: string } | undefined;

  const station = openStation(view, t("Picking"), async (code) => {
    if (lack) return replace(lack.shortage, code);
    const { task } = next;
    if (!task) throw new WrongScan(t("Everything is picked."));
    if (code === task.location) {
      atShelf = code;
      draw();
      return t("This is the shelf");
    }
    if (walk.some((each) => each.location === code)) {
      throw new WrongScan(t("Wrong shelf: go to {place}", { place: task.location }));
    }
    if (task.has_serials && code !== task.sku) return addSerial(task, code);
    if (code !== task.sku) throw new WrongScan(t("Wrong goods: take {goods}", { goods: `${task.name} (${task.sku})` }));
    return take(task, units, false);
  }, "pick");

  const addSerial = async (task: PickTask, code: string): Promise<string> => {
    if (serials.includes(code)) throw new WrongScan(t("{code} is scanned already", { code }));
    serials.push(code);
    draw();
    if (serials.length < units) return t("Serial number {n} of {all}", { n: serials.length, all: units });
    return take(task, units, false);
  };
  const take = async (task: PickTask, quantity: number, short: boolean): Promise<string> => {
    if (task.has_serials && quantity !== serials.length) throw new WrongScan(t("Scan the serial number of each."));
    if (quantity === 0 && !short) throw new WrongScan(t("Say how many you take."));
    const told = await send<Picked>("POST", `${path}/picks`, {
      location: task.location, sku: task.sku, lot: task.lot, quantity, short, serials,
    }, `${task.id} ${quantity} ${short}`);
    lack = told.lacking > 0 ? await lackOf(told) : undefined;
    await show(told.next);
    if (told.lacking > 0) return t("Noted: {n} are nowhere", { n: told.lacking });
    if (told.elsewhere > 0) return t("Noted: {n} wait at another shelf", { n: told.elsewhere });
    return t("{n} × {goods} taken", { n: quantity, goods: task.name });
  };
  const mayDecide = isOneOf("admin", "clerk");
  const replace = async (shortage: Shortage, sku: string): Promise<string> => {
    if (!mayDecide) throw new WrongScan(t("The office decides what goes instead. Go on with the next shelf."));
    await send("POST", `/api/shortages/${shortage.id}/substitute`, { sku });
    lack = undefined;
    await show(await get<NextPick>(`${path}/next`));
    return t("{sku} goes instead", { sku });
  };
  const leaveOut = async (shortage: Shortage): Promise<string> => {
    await send("POST", `/api/shortages/${shortage.id}/leave-out`);
    lack = undefined;
    await show(await get<NextPick>(`${path}/next`));
    return t("The order goes without it");
  };
  const show = async (now: NextPick): Promise<void> => {
    if (now.task?.location !== next?.task?.location) atShelf = "";
    next = now;
    units = now.units_here;
    serials = [];
    walk = (await get<{ tasks: PickTask[] }>(path)).tasks;
    most = Math.max(most, now.left);
    draw();
  };
  const draw = (): void => {
    const { task } = next;
    if (lack) return void drawLack(lack.shortage, lack.sku);
    if (!task) {
      station.now.replaceChildren(h("div", { class: "step", "data-done": true }, h("strong", {}, t("Everything is picked.")), h("small", {}, t("Bring it to the packing table."))));
      station.foot.replaceChildren(
        h("a", { href: roomUrl("warehouse", "pick") }, t("Another round")),
        h("a", { class: "main", href: roomUrl("warehouse", "pack") }, t("Pack")));
      return;
    }
    const done = h("progress", { max: most, value: most - next.left, "aria-label": t("Picks done") });
    station.now.replaceChildren(
      done,
      h("div", { class: "step", "data-done": atShelf === task.location }, h("small", {}, t("Go to the shelf")), h("strong", {}, task.location)),
      h("div", { class: "step" }, h("small", {}, task.sku, task.lot ? ` · ${t("Lot")} ${task.lot}` : ""), h("strong", {}, task.name)),
      h("div", { class: "step" }, h("small", {}, task.has_serials ? t("Take, and scan each serial number: {n} so far", { n: serials.length }) : t("Take, then scan the goods")),
        stepper(t("Units"), units, next.units_here, (value) => (units = value))),
      h("div", { class: "upcoming" },
        h("p", {}, t("{n} still to pick", { n: next.left })),
        ...walk.filter((each) => each.location !== task.location || each.sku !== task.sku).slice(0, UPCOMING).map((each) =>
          h("p", {}, `${each.location} · ${each.quantity} × ${each.name}`))));
    station.foot.replaceChildren(
      large(t("No more here"), () => station.act(() => take(task, Math.min(units, next.units_here - 1), true)), "danger"),
      large(t("Taken"), () => station.act(() => take(task, units, false)), "main"));
  };
  const drawLack = async (shortage: Shortage, sku: string): Promise<void> => {
    const instead = mayDecide ? await get<Sku[]>(`/api/skus/${shortage.sku_id}/substitutes`) : [];
    const goOn = (): void => {
      lack = undefined;
      draw();
    };
    const lost = h("div", { class: "step" }, h("small", {}, t("Nowhere to be found")), h("strong", {}, `${shortage.quantity} × ${sku}`));
    if (!mayDecide) {
      station.now.replaceChildren(lost, h("p", {}, t("The office decides what goes instead. Go on with the next shelf.")));
      return station.foot.replaceChildren(large(t("Go on"), goOn, "main"));
    }
    station.now.replaceChildren(
      lost,
      h("p", {}, instead.length > 0 ? t("Choose what goes instead, or scan other goods.") : t("Scan what goes instead.")),
      h("div", { class: "foot" }, ...instead.map((each) =>
        large(`${each.name} (${each.code})`, () => station.act(() => replace(shortage, each.code))))));
    station.foot.replaceChildren(
      large(t("Decide later"), goOn),
      large(t("Send without it"), () => station.act(() => leaveOut(shortage))));
  };
  await show(await get<NextPick>(`${path}/next`));
}

/** The order that lacks something after this scan. */
async function lackOf(picked: Picked): Promise<{ shortage: Shortage; sku: string } | undefined> {
  for (const task of picked.done.filter((each) => each.missing > 0)) {
    const { shortages } = await get<FulfilmentDetail>(`/api/fulfilments/${task.fulfilment_id}`);
    const shortage = shortages.findLast((each) => each.state === "open");
    if (shortage) return { shortage, sku: task.name };
  }
  return undefined;
}
