/** Picking: waves with the shortest walk, one scan after the other. */

import { get, getAll, newKey, send } from "../api";
import { t } from "../language";
import { h, tell } from "../page";
import { showListing } from "../parts/listing";
import { plainTable } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime, words } from "../values";
import { stateOptions } from "./orders";
import { scanner } from "./scanner";

interface Location { id: string; kind: string; path: string; name: string }
interface Wave { id: string; warehouse_id: string; state: string; walk_m: number; created_at: string }
interface PickTask { id: string; order_number: string; location: string; sku: string; name: string; lot: string | null; quantity: number; state: string; sequence: number }

export async function showWaves(view: View, place: HTMLElement): Promise<void> {
  const warehouses = (await getAll<Location>("/api/locations", { limit: 200 })).filter(({ kind }) => kind === "warehouse");
  showListing<Wave>(view, place, {
    label: t("Pick waves"),
    path: "/api/pick-waves",
    keyOf: (wave) => wave.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(["open", "done", "cancelled"]) }],
    columns: [
      { title: t("Made"), text: (wave) => dateTime(wave.created_at), by: (wave) => wave.created_at },
      { title: t("State"), kind: "state", text: (wave) => words(wave.state) },
      { title: t("Warehouse"), text: (wave) => warehouses.find(({ id }) => id === wave.warehouse_id)?.name ?? "" },
      { title: t("Walk"), kind: "number", text: (wave) => `${count(wave.walk_m)} m`, by: (wave) => wave.walk_m },
    ],
    open: (wave) => go(roomUrl("warehouse", "waves", wave.id)),
    create: {
      label: t("New pick wave"),
      form: () => ({
        fields: [{ name: "warehouse_id", label: t("Warehouse"), kind: "select", required: true, options: warehouses.map(({ id, name, path }) => [id, name || path]) }],
        button: t("Make the wave"),
        submit: async (values, key) => {
          const wave = await send<Wave>("POST", "/api/pick-waves", values, key);
          go(roomUrl("warehouse", "waves", wave.id));
        },
      }),
    },
    empty: t("There is no pick wave."),
  });
}

/** What to take next, large; a scan of the goods takes them. */
export async function showWave(view: View, id: string): Promise<void> {
  const task = h("section", { class: "card scan" });
  const rest = h("div");
  const draw = async (): Promise<void> => {
    const [next, detail] = await Promise.all([
      get<{ task: PickTask | null; units_here: number; left: number }>(`/api/pick-waves/${id}/next`),
      get<{ tasks: PickTask[] }>(`/api/pick-waves/${id}`),
    ]);
    current = next.task;
    task.replaceChildren(...(next.task ? [
      h("p", {}, h("strong", {}, next.task.location)),
      h("p", {}, t("{n} × {goods}", { n: next.units_here, goods: `${next.task.sku} ${next.task.name}` })),
      h("p", { class: "told" }, t("{n} still to pick", { n: next.left })),
    ] : [h("p", {}, t("Everything is picked."))]));
    rest.replaceChildren(plainTable(t("Picks"), [
      { title: "#", kind: "number", text: (each) => String(each.sequence + 1) },
      { title: t("Location"), text: (each) => each.location },
      { title: "SKU", text: (each) => each.sku },
      { title: t("Quantity"), kind: "number", text: (each) => count(each.quantity) },
      { title: t("Order"), text: (each) => each.order_number },
      { title: t("State"), text: (each) => words(each.state) },
    ], detail.tasks));
  };
  let current: PickTask | null = null;
  const pick = async (sku: string, short: boolean): Promise<void> => {
    if (!current) return;
    await send("POST", `/api/pick-waves/${id}/picks`, {
      location: current.location, sku, quantity: short ? 0 : current.quantity, lot: current.lot, short, task_id: current.id,
    }, newKey());
    await draw();
  };
  const lacking = h("button", { type: "button", onclick: () => current && void pick(current.sku, true).catch((error: Error) => tell(error.message)) }, t("Not there"));
  view.place.append(h("h2", {}, t("Pick wave")), task, scanner(t("Scan the goods"), async (code) => {
    await pick(code, false);
    return { sentence: t("Taken"), isGood: true };
  }), h("p", { class: "buttons" }, lacking), rest);
  await draw();
}
