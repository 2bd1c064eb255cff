/** Stock: what is where, what runs out, what was moved, and of which goods. */

import { get, getAll, newKey, send } from "../api";
import { t } from "../language";
import { aboutWhat, whoIs } from "../names";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog } from "../parts/form";
import { showListing } from "../parts/listing";
import { plainTable } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, date, dateTime, words } from "../values";
import { payingAccounts } from "./orders";

interface Level {
  id: string; sku_id: string; sku: string; location_id: string; path: string; lot: string | null;
  expires_on: string | null; on_hand: number; allocated: number; free: number;
}
interface StockMove { id: string; kind: string; quantity: number; reason: string; subject: string; by: string; occurred_at: string }
interface Low { id: string; sku: string; name: string; free: number; reorder_point: number; state: string }
interface Sku { id: string; code: string; name: string; base_unit: string; weight_g: number; safety_stock: number; reorder_point: number; active: boolean }
interface Location { id: string; kind: string; path: string; name: string }

export async function showLevels(view: View, place: HTMLElement): Promise<void> {
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
          sku_id: level.sku_id, location_id: level.location_id, lot: level.lot, counted: Number(counted), ...(reason && { reason }),
        });
        const undo = (): unknown => send("POST", "/api/stock/counts", {
          sku_id: level.sku_id, location_id: level.location_id, lot: level.lot, counted: Number(counted) - change, reason: t("Taken back"),
        }).then(reload, (error: Error) => tell(error.message));
        tell(change === 0 ? t("The count agrees.") : t("Corrected by {n}", { n: change }), change === 0 ? undefined : { label: t("Undo"), act: undo });
        void reload();
      },
    }),
    actions: [{
      label: t("Move elsewhere"),
      fields: [{ name: "to", label: t("To"), kind: "select", options: places }, { name: "quantity", label: t("Quantity of each"), kind: "number", required: true }],
      act: (level, values) => send("POST", "/api/stock/transfers", {
        sku_id: level.sku_id, from_location_id: level.location_id, to_location_id: values["to"], quantity: Number(values["quantity"]), lot: level.lot,
      }, newKey()),
    }, {
      label: t("Found or lost"),
      fields: [
        { name: "change", label: t("Units more, or fewer with a minus"), kind: "number", required: true },
        { name: "reason", label: t("Why"), required: true },
      ],
      act: (level, { change, reason }) => send("POST", "/api/stock/adjustments", {
        sku_id: level.sku_id, location_id: level.location_id, lot: level.lot, change: Number(change), reason,
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
    extra: [h("button", { type: "button", onclick: () => void prove() }, t("Does it add up?"))],
    empty: t("There is no stock like this."),
  });
}

/** Levels against moves: told in words, with each place where they differ. */
async function prove(): Promise<void> {
  try {
    const told = await get<{ is_consistent: boolean; levels: number; discrepancies: { what: string; recorded: number; proven: number }[] }>("/api/stock/reconciliation");
    if (told.is_consistent) return tell(t("All {n} levels are what the moves add up to.", { n: told.levels }));
    openDialog(t("Levels that are not what the moves add up to"), plainTable(t("Differences"), [
      { title: t("What"), text: (each) => words(each.what) },
      { title: t("Recorded"), kind: "number", text: (each) => count(each.recorded) },
      { title: t("Proven"), kind: "number", text: (each) => count(each.proven) },
    ], told.discrepancies));
  } catch (error) {
    tell((error as Error).message);
  }
}

export function showLow(view: View, place: HTMLElement): void {
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

export function showMoves(view: View, place: HTMLElement): void {
  showListing<StockMove>(view, place, {
    label: t("Moves"),
    path: "/api/stock/moves",
    keyOf: (move) => move.id,
    filters: [{ name: "subject", label: t("About") }],
    columns: [
      { title: t("When"), text: (move) => dateTime(move.occurred_at), by: (move) => move.occurred_at },
      { title: t("Kind"), kind: "state", text: (move) => words(move.kind) },
      { title: t("Quantity"), kind: "number", text: (move) => count(move.quantity), by: (move) => move.quantity },
      { title: t("Reason"), text: (move) => words(move.reason) },
      { title: t("About"), text: (move) => aboutWhat(move.subject) },
      { title: t("By"), text: (move) => whoIs(move.by) },
    ],
    empty: t("Nothing was moved."),
  });
}

export async function showSkus(view: View, place: HTMLElement): Promise<void> {
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
    open: (sku) => go(roomUrl("warehouse", "skus", sku.id)),
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

export async function showLocations(view: View, place: HTMLElement): Promise<void> {
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
