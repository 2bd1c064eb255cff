/** Goods of an order come back and others go out for them, decided at once or not at all. */

import { get, send } from "../api";
import { t } from "../language";
import { tell } from "../page";
import { formDialog, type Field, type Values } from "../parts/form";
import { readRows, writeRows, type RowColumn } from "../parts/rows";
import { go } from "../router";
import { roomUrl } from "../rooms";
import { count, minorOf, momentOf, money } from "../values";
import type { Consignment, Order } from "./order_records";
import { reasonText, type Reason } from "./return_reasons";

interface Returnable { order_line: number; sku: string; description: string; free: number }
interface Exchange { return_id: string; currency: string; due_minor: number }

const columns = (): RowColumn[] => [
  { name: "sku", label: "SKU" }, { name: "quantity", label: t("Quantity"), kind: "number", first: "1" },
  { name: "price", label: t("Price of each"), kind: "number" },
];

export async function makeExchange(order: Order, consignments: Consignment[]): Promise<void> {
  const delivered = consignments.filter((each) => each.state === "delivered");
  const [reasons, ...found] = await Promise.all([
    get<Reason[]>("/api/return-reasons"),
    ...delivered.map((each) => get<Returnable[]>(`/api/consignments/${each.id}/returnable`)),
  ]);
  const goods = found.flat().filter(({ free }) => free > 0);
  if (goods.length === 0) return tell(t("Nothing of this order can come back: it was not delivered, or is on its way back already."));
  const fields: Field[] = [
    { name: "", label: t("Comes back"), kind: "heading" },
    ...goods.map((each): Field => ({
      name: `goods.${each.order_line}`, label: t("{goods}, of {n}", { goods: each.description || each.sku, n: count(each.free) }), kind: "number", value: goods.length === 1 ? 1 : 0, width: "half",
    })),
    { name: "reason", label: t("Why"), kind: "select", options: [["", "–"], ...reasons.filter(({ active }) => active).map((each): [string, string] => [each.code, reasonText(each)])] },
    { name: "replacement", label: t("Goes out for it"), kind: "rows", columns: columns(), value: writeRows([{ sku: goods[0]?.sku ?? "", quantity: "1", price: "" }]), hint: t("Without a price: as in the order") },
    { name: "window_start_at", label: t("Deliver from"), kind: "datetime-local", width: "half", hint: t("Empty: as the service promises") },
    { name: "window_end_at", label: t("until"), kind: "datetime-local", width: "half" },
    { name: "note", label: t("Note") },
  ];
  formDialog(t("Exchange goods of order {number}", { number: order.number }), {
    fields, button: t("Exchange"),
    note: t("The courier brings the new goods and takes the old ones along. The new ones are set aside at once."),
    submit: async (typed, key) => {
      const made = await send<Exchange>("POST", "/api/exchanges", requestOf(order, goods, typed), key);
      tell(made.due_minor > 0
        ? t("Exchanged; {amount} are to be paid before the new goods go out.", { amount: money(made.due_minor, made.currency) })
        : t("Exchanged; nothing is to be paid."));
      go(roomUrl("returns", made.return_id));
    },
  });
}

function requestOf(order: Order, goods: Returnable[], typed: Values): object {
  const back = goods.map(({ order_line }) => ({ order_line, quantity: Number(typed[`goods.${order_line}`]), reason: typed["reason"] || null }))
    .filter(({ quantity }) => quantity !== 0);
  if (back.length === 0) throw new Error(t("Say how many of which goods come back."));
  return {
    order_id: order.id, goods: back, reason: typed["note"],
    replacement: readRows(typed["replacement"]).map(({ sku, quantity, price = "" }) =>
      ({ sku, quantity: Number(quantity), unit_price_minor: price === "" ? null : (minorOf(price, order.currency) ?? price) })),
    window_start_at: momentOf(typed["window_start_at"]) ?? null, window_end_at: momentOf(typed["window_end_at"]) ?? null,
  };
}
