/** Stock and the work with it, made for a scanner and a cheap tablet as well as for a desk. */

import { get, getAll, newKey, send } from "../api";
import { t } from "../language";
import { h, say, tell } from "../page";
import { formDialog, makeForm } from "../parts/form";
import { showListing, showTabs } from "../parts/listing";
import { plainTable } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { nowMs } from "../clock";
import { count, date, dateTime, words } from "../values";
import { payingAccounts, stateOptions } from "./orders";
import type { Depot } from "./plan_records";

interface Level {
  id: string; sku_id: string; sku: string; location_id: string; path: string; lot: string | null;
  expires_on: string | null; on_hand: number; allocated: number; free: number;
}
interface StockMove { id: string; kind: string; quantity: number; reason: string; subject: string; by: string; occurred_at: string }
interface Low { id: string; sku: string; name: string; free: number; reorder_point: number; state: string }
interface Sku { id: string; code: string; name: string; base_unit: string; weight_g: number; safety_stock: number; reorder_point: number; active: boolean }
interface Location { id: string; kind: string; path: string; name: string }
interface Wave { id: string; warehouse_id: string; state: string; walk_m: number; created_at: string }
interface PickTask { id: string; order_number: string; location: string; sku: string; name: string; lot: string | null; quantity: number; state: string; sequence: number }
interface Fulfilment { id: string; order_number: string; state: string; due_at: string; hold_reason: string }
interface Goods { line: number; sku: string; location: string; quantity: number; packed: number; state: string }
interface LoadCheck {
  run_id: string; driver_name: string; missing: string[]; finished_at: string | null;
  parcels: { barcode: string; waybill: string; consignee: string; stop: number | null; state: string }[];
}
interface Answer { barcode: string; result: string; sentence: string }

const FULFILMENT_STATES = ["open", "on_hold", "picking", "picked", "packed", "ready", "handed_over", "delivered", "cancelled"];

export async function open(view: View): Promise<void> {
  const [first, id] = view.segments;
  if (first === "load" && id) return showLoadCheck(view, id);
  if (first === "waves" && id) return showWave(view, id);
  if (first === "packing" && id) return showPacking(view, id);
  return showTabs(view, "warehouse", [
    { path: "", title: t("Stock"), show: (place) => showLevels(view, place) },
    { path: "gate", title: t("Gate"), show: (place) => showGate(place) },
    { path: "waves", title: t("Picking"), show: (place) => showWaves(view, place) },
    { path: "packing", title: t("Packing"), show: (place) => void showFulfilments(view, place) },
    { path: "low", title: t("Running out"), show: (place) => void showLow(view, place) },
    { path: "moves", title: t("Moves"), show: (place) => void showMoves(view, place) },
    { path: "skus", title: "SKUs", show: (place) => showSkus(view, place) },
    { path: "locations", title: t("Locations"), show: (place) => showLocations(view, place) },
  ]);
}

async function showLevels(view: View, place: HTMLElement): Promise<void> {
  const [locations, accounts] = await Promise.all([getAll<Location>("/api/locations", { limit: 200 }), payingAccounts()]);
  const places = locations.map(({ id, path }): [string, string] => [id, path]);
  const reload = showListing<Level>(view, place, {
    label: t("Stock"),
    path: "/api/stock/levels",
    keyOf: (level) => level.id,
    filters: [{ name: "location", label: t("Location"), kind: "select", options: [["", t("All")], ...places] }],
    columns: [
      { title: "SKU", text: (level) => level.sku },
      { title: t("Location"), text: (level) => level.path },
      { title: t("Lot"), text: (level) => level.lot ?? "" },
      { title: t("Best before"), text: (level) => (level.expires_on ? date(level.expires_on) : ""), by: (level) => level.expires_on ?? "" },
      { title: t("There"), kind: "number", text: (level) => count(level.on_hand), by: (level) => level.on_hand },
      { title: t("Promised"), kind: "number", text: (level) => count(level.allocated), by: (level) => level.allocated },
      { title: t("Free"), kind: "number", text: (level) => count(level.free), by: (level) => level.free },
    ],
    open: (level) => formDialog(t("Count {sku} at {place}", { sku: level.sku, place: level.path }), {
      fields: [
        { name: "counted", label: t("Counted"), kind: "number", required: true },
        { name: "reason", label: t("Reason") },
      ],
      button: t("Note the count"),
      submit: async ({ counted, reason }) => {
        const { change } = await send<{ change: number }>("POST", "/api/stock/counts", {
          sku_id: level.sku_id, location_id: level.location_id, lot: level.lot, counted: Number(counted), reason,
        });
        tell(change === 0 ? t("The count agrees.") : t("Corrected by {n}", { n: change }));
        void reload();
      },
    }),
    actions: [{
      label: t("Move elsewhere"),
      fields: [{ name: "to", label: t("To"), kind: "select", options: places }, { name: "quantity", label: t("Quantity of each"), kind: "number", required: true }],
      act: (level, values) => send("POST", "/api/stock/transfers", {
        sku_id: level.sku_id, from_location_id: level.location_id, to_location_id: values["to"], quantity: Number(values["quantity"]), lot: level.lot,
      }, newKey()),
    }],
    create: {
      label: t("Receive goods"),
      form: () => ({
        fields: [
          { name: "account_id", label: t("Whose goods"), kind: "select", options: accounts.map(({ id, name }) => [id, name]) },
          { name: "location_id", label: t("Location"), kind: "select", options: places },
          { name: "sku", label: "SKU", required: true, width: "half" },
          { name: "quantity", label: t("Quantity"), kind: "number", required: true, width: "half" },
          { name: "lot", label: t("Lot"), width: "half" },
          { name: "expires_on", label: t("Best before"), kind: "date", width: "half" },
        ],
        button: t("Receive"),
        submit: ({ account_id, location_id, sku, quantity, lot, expires_on }, key) => send("POST", "/api/stock/receipts", {
          account_id, location_id, goods: [{ sku, quantity: Number(quantity), lot: lot || null, expires_on: expires_on || null }],
        }, key),
      }),
    },
    empty: t("There is no stock like this."),
  });
}

/** One big field that a scanner types into; the last answers stand below it. */
function scanner(label: string, take: (code: string) => Promise<{ sentence: string; isGood: boolean }>): HTMLElement {
  const input = h("input", { autocomplete: "off", "aria-label": label, placeholder: label });
  const answers = h("ol", { class: "story", "aria-live": "assertive" });
  const form = h("form", {
    class: "scan",
    onsubmit: async (event: SubmitEvent) => {
      event.preventDefault();
      const code = input.value.trim();
      input.value = "";
      if (code === "") return;
      const line = h("li", {}, h("strong", {}, code), h("p", {}, "…"));
      answers.prepend(line);
      try {
        const { sentence, isGood } = await take(code);
        line.lastElementChild?.replaceWith(h("p", { class: isGood ? "well" : "bad" }, sentence));
      } catch (error) {
        line.lastElementChild?.replaceWith(h("p", { class: "bad", role: "alert" }, (error as Error).message));
      }
      input.focus();
    },
  }, input);
  setTimeout(() => input.focus());
  return h("div", {}, form, answers);
}

async function showGate(place: HTMLElement): Promise<void> {
  const depots = await get<Depot[]>("/api/depots").catch((): Depot[] => []);
  const depot = h("select", { "aria-label": t("Depot") }, ...depots.map(({ id, name }) => h("option", { value: id }, name)));
  const direction = h("select", { "aria-label": t("Direction") },
    h("option", { value: "in" }, t("Comes in")), h("option", { value: "out" }, t("Goes out")));
  place.append(h("p", { class: "filters" }, depot, direction), scanner(t("Scan parcels, cages and bags"), async (code) => {
    const [answer] = await send<Answer[]>("POST", `/api/depots/${depot.value}/scans`, {
      direction: direction.value, barcodes: [code], occurred_at: new Date(nowMs()).toISOString(), scan_id: uuidOf(newKey()),
    });
    return { sentence: answer?.sentence ?? "", isGood: answer?.result === "accepted" };
  }));
}

const uuidOf = (key: string): string =>
  `${key.slice(0, 8)}-${key.slice(8, 12)}-4${key.slice(13, 16)}-8${key.slice(17, 20)}-${key.slice(20)}`;

async function showLoadCheck(view: View, runId: string): Promise<void> {
  const rest = h("div");
  const draw = async (): Promise<LoadCheck> => {
    const check = await get<LoadCheck>(`/api/runs/${runId}/load-check`);
    rest.replaceChildren(
      h("p", { role: "status" }, t("{n} of {all} parcels are missing", { n: check.missing.length, all: check.parcels.length })),
      plainTable(t("Parcels of the run"), [
        { title: t("Stop"), kind: "number", text: (parcel) => (parcel.stop === null ? "–" : String(parcel.stop + 1)) },
        { title: t("Barcode"), text: (parcel) => parcel.barcode },
        { title: t("Consignee"), text: (parcel) => parcel.consignee },
        { title: t("State"), text: (parcel) => words(parcel.state) },
      ], check.parcels));
    return check;
  };
  const first = await draw();
  const finish = (): unknown => formDialog(t("Loading is finished"), {
    fields: [{ name: "reason", label: t("Why parcels are missing, if any are") }],
    button: t("Finish"),
    submit: async (values) => {
      await send("POST", `/api/runs/${runId}/load-check/finish`, values);
      await draw();
    },
  });
  view.place.append(
    h("h2", {}, t("Load check of {name}", { name: first.driver_name })),
    scanner(t("Scan what is loaded"), async (code) => {
      const [answer] = await send<Answer[]>("POST", `/api/runs/${runId}/load-check/scans`, {
        barcode: code, occurred_at: new Date(nowMs()).toISOString(), scan_id: uuidOf(newKey()),
      });
      void draw();
      return { sentence: answer?.sentence ?? "", isGood: answer?.result === "ok" };
    }),
    rest, h("p", { class: "buttons" }, h("button", { type: "button", class: "main", onclick: finish }, t("Finish loading"))),
  );
}

async function showWaves(view: View, place: HTMLElement): Promise<void> {
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
async function showWave(view: View, id: string): Promise<void> {
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

function showFulfilments(view: View, place: HTMLElement): void {
  showListing<Fulfilment>(view, place, {
    label: t("Packing"),
    path: "/api/fulfilments",
    keyOf: (each) => each.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(FULFILMENT_STATES) }],
    columns: [
      { title: t("Order"), text: (each) => each.order_number },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Due"), text: (each) => dateTime(each.due_at), by: (each) => each.due_at },
      { title: t("Why it waits"), text: (each) => each.hold_reason },
    ],
    open: (each) => go(roomUrl("warehouse", "packing", each.id)),
    actions: [
      { label: t("Hold"), fields: [{ name: "reason", label: t("Reason"), required: true }], act: (each, values) => send("POST", `/api/fulfilments/${each.id}/hold`, values) },
      { label: t("Release"), isFor: (each) => each.state === "on_hold", act: (each) => send("POST", `/api/fulfilments/${each.id}/release`) },
    ],
    empty: t("Nothing is to be packed."),
  });
}

async function showPacking(view: View, id: string): Promise<void> {
  const { fulfilment, goods } = await get<{ fulfilment: Fulfilment; goods: Goods[] }>(`/api/fulfilments/${id}`);
  const cartons = await get<{ code: string; name: string }[]>("/api/cartons");
  const status = h("p", { role: "status" });
  const left = goods.filter((each) => each.packed < each.quantity);
  const form = makeForm({
    fields: [
      { name: "carton", label: t("Carton"), kind: "select", options: [["", t("None")], ...cartons.map(({ code, name }): [string, string] => [code, name])], width: "half" },
      { name: "weight_kg", label: t("Weight, kg"), kind: "number", required: true, width: "half" },
      ...left.map((each) => ({ name: `goods-${each.line}-${each.sku}`, label: `${each.sku} (${each.quantity - each.packed})`, kind: "number" as const, value: each.quantity - each.packed })),
    ],
    button: t("Close the parcel and print its label"),
    submit: async (values, key) => {
      const contents = left.flatMap((each) => {
        const quantity = Number(values[`goods-${each.line}-${each.sku}`] ?? 0);
        return quantity > 0 ? [{ sku: each.sku, line: each.line, quantity }] : [];
      });
      const packed = await send<{ barcode: string; left: number }>("POST", `/api/fulfilments/${id}/pack`, {
        carton: values["carton"] || null, weight_g: Math.round(Number((values["weight_kg"] ?? "").replace(",", ".")) * 1000), contents,
      }, key);
      say(status, t("Parcel {barcode}; {n} still to pack", { barcode: packed.barcode, n: packed.left }));
      window.open(`/api/parcels/${packed.barcode}/label.pdf`, "_blank", "noreferrer");
      view.place.replaceChildren();
      await showPacking(view, id);
    },
  });
  view.place.append(
    h("h2", {}, t("Pack order {number}", { number: fulfilment.order_number }), " ", h("span", { class: "pill" }, words(fulfilment.state))), status,
    plainTable(t("Goods"), [
      { title: "SKU", text: (each) => each.sku },
      { title: t("Location"), text: (each) => each.location },
      { title: t("Quantity"), kind: "number", text: (each) => count(each.quantity) },
      { title: t("Packed"), kind: "number", text: (each) => count(each.packed) },
      { title: t("State"), text: (each) => words(each.state) },
    ], goods),
    left.length > 0 ? h("section", { class: "card" }, form) : h("p", {}, t("Everything is packed.")),
  );
}

function showLow(view: View, place: HTMLElement): void {
  showListing<Low>(view, place, {
    label: t("Running out"),
    path: "/api/stock/low",
    keyOf: (each) => each.id,
    columns: [
      { title: "SKU", text: (each) => each.sku },
      { title: t("Name"), text: (each) => each.name },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Free"), kind: "number", text: (each) => count(each.free), by: (each) => each.free },
      { title: t("Order at"), kind: "number", text: (each) => count(each.reorder_point), by: (each) => each.reorder_point },
    ],
    empty: t("Nothing runs out."),
  });
}

function showMoves(view: View, place: HTMLElement): void {
  showListing<StockMove>(view, place, {
    label: t("Moves"),
    path: "/api/stock/moves",
    keyOf: (move) => move.id,
    filters: [{ name: "subject", label: t("About") }],
    columns: [
      { title: t("When"), text: (move) => dateTime(move.occurred_at), by: (move) => move.occurred_at },
      { title: t("Kind"), kind: "state", text: (move) => words(move.kind) },
      { title: t("Quantity"), kind: "number", text: (move) => count(move.quantity), by: (move) => move.quantity },
      { title: t("Reason"), text: (move) => move.reason },
      { title: t("About"), text: (move) => move.subject },
      { title: t("By"), text: (move) => move.by },
    ],
    empty: t("Nothing was moved."),
  });
}

async function showSkus(view: View, place: HTMLElement): Promise<void> {
  const accounts = await payingAccounts();
  showListing<Sku>(view, place, {
    label: "SKUs",
    path: "/api/skus",
    keyOf: (sku) => sku.id,
    filters: [{ name: "code", label: t("Code"), kind: "search" }],
    columns: [
      { title: t("Code"), text: (sku) => sku.code },
      { title: t("Name"), text: (sku) => sku.name },
      { title: t("Unit"), text: (sku) => sku.base_unit },
      { title: t("Weight, g"), kind: "number", text: (sku) => count(sku.weight_g), by: (sku) => sku.weight_g },
      { title: t("Order at"), kind: "number", text: (sku) => count(sku.reorder_point), by: (sku) => sku.reorder_point },
      { title: t("State"), kind: "state", text: (sku) => (sku.active ? t("Active") : t("Gone")) },
    ],
    create: {
      label: t("New SKU"),
      form: () => ({
        fields: [
          { name: "account_id", label: t("Whose goods"), kind: "select", options: accounts.map(({ id, name }) => [id, name]) },
          { name: "code", label: t("Code"), required: true, width: "half" },
          { name: "name", label: t("Name"), required: true, width: "half" },
          { name: "weight_g", label: t("Weight, g"), kind: "number", value: 0, width: "half" },
          { name: "reorder_point", label: t("Order at"), kind: "number", value: 0, width: "half" },
        ],
        button: t("Add"),
        submit: (values) => send("POST", "/api/skus", { ...values, weight_g: Number(values["weight_g"]), reorder_point: Number(values["reorder_point"]) }),
      }),
    },
    empty: t("There is no SKU like this."),
  });
}

async function showLocations(view: View, place: HTMLElement): Promise<void> {
  const known = await getAll<Location>("/api/locations", { limit: 200 });
  showListing<Location>(view, place, {
    label: t("Locations"),
    path: "/api/locations",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Path"), text: (each) => each.path },
      { title: t("Kind"), kind: "state", text: (each) => words(each.kind) },
      { title: t("Name"), text: (each) => each.name },
    ],
    create: {
      label: t("New location"),
      form: () => ({
        fields: [
          { name: "kind", label: t("Kind"), kind: "select", options: ["bin", "aisle", "zone", "warehouse", "quarantine", "van"].map((kind) => [kind, words(kind)]), width: "half" },
          { name: "code", label: t("Code"), required: true, width: "half" },
          { name: "parent_id", label: t("In"), kind: "select", options: [["", t("None")], ...known.map(({ id, path }): [string, string] => [id, path])] },
          { name: "name", label: t("Name") },
        ],
        button: t("Add"),
        submit: (values) => send("POST", "/api/locations", { ...values, parent_id: values["parent_id"] || null }),
      }),
    },
    empty: t("There is no location yet."),
  });
}
