/** Packing: goods into cartons, each parcel with its label. */

import { get, send } from "../api";
import { t } from "../language";
import { h, say } from "../page";
import { makeForm } from "../parts/form";
import { showListing } from "../parts/listing";
import { plainTable } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime, words } from "../values";
import { stateOptions } from "./orders";

interface Fulfilment { id: string; order_number: string; state: string; due_at: string; hold_reason: string }
interface Goods { line: number; sku: string; location: string; quantity: number; packed: number; state: string }

const FULFILMENT_STATES = ["open", "on_hold", "picking", "picked", "packed", "ready", "handed_over", "delivered", "cancelled"];

export function showFulfilments(view: View, place: HTMLElement): void {
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

export async function showPacking(view: View, id: string): Promise<void> {
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
