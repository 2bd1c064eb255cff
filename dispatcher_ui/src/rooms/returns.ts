/** The returns desk: what came back or will, what it is worth, and differences to settle. */

import { get, getAll, isCustomer, send } from "../api";
import { t, tn } from "../language";
import { whoIs } from "../names";
import { h } from "../page";
import { formDialog, type Field } from "../parts/form";
import { showListing, showTabs, type Action } from "../parts/listing";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime, money, momentOf, words } from "../values";
import { stateOptions } from "./orders";
import { readReasons } from "./return_reasons";

interface ReturnLine {
  id: string;
  number: number;
  sku: string;
  description: string;
  quantity: number;
  received_quantity: number | null;
  reason_code: string | null;
  grade: string | null;
  disposition: string | null;
  refund_percent: number | null;
  note: string;
  photos: string[];
}

interface Return {
  id: string;
  rma: string;
  kind: string;
  state: string;
  order_id: string | null;
  original_consignment_id: string | null;
  consignment_id: string | null;
  reason: string;
  parcels: { barcode?: string | null; description?: string }[];
  lines: ReturnLine[];
  expires_at: string | null;
  currency: string;
  refund_minor: number | null;
  fee_minor: number | null;
  due_minor: number | null;
  created_at: string;
}

interface Shelf { id: string; path: string }

interface Difference {
  id: string;
  return_id: string;
  kind: string;
  goods: string;
  announced: number;
  found: number;
  raised_at: string;
  settled_by: string | null;
}

const STATES = ["requested", "approved", "booked", "collected", "received", "inspected", "resolved", "declined", "cancelled", "expired"];
const GRADES = ["as_new", "opened", "used", "damaged", "defective"];
const DISPOSITIONS = ["restock", "quarantine", "scrap", "vendor"];
const WINDOW: Field[] = [
  { name: "window_start_at", label: "From", kind: "datetime-local", width: "half" },
  { name: "window_end_at", label: "until", kind: "datetime-local", width: "half" },
];

export async function open(view: View): Promise<void> {
  const [first = ""] = view.segments;
  if (/^[0-9a-f-]{36}$/.test(first)) return showReturn(view, first);
  return showTabs(view, "returns", [
    { path: "", title: t("Returns"), show: (place) => void showReturns(view, place) },
    ...(isCustomer() ? [] : [
      { path: "differences", title: t("Differences"), show: (place: HTMLElement) => void showDifferences(view, place) },
      { path: "exchanges", title: t("Exchanges"), show: (place: HTMLElement) => void showExchanges(view, place) },
    ]),
  ]);
}

async function showReturns(view: View, place: HTMLElement): Promise<void> {
  const why = await readReasons();
  showListing<Return>(view, place, {
    label: t("Returns"),
    path: "/api/returns",
    keyOf: (each) => each.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(STATES) }],
    columns: [
      { title: "RMA", text: (each) => each.rma },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Kind"), text: (each) => words(each.kind) },
      { title: t("Reason"), text: (each) => why(each.reason) },
      { title: t("Goods"), text: (each) => each.lines.map((line) => `${Math.max(line.quantity, line.received_quantity ?? 0)} × ${line.description || line.sku}`).join(", ") || tn(each.parcels.length, "1 parcel", "{n} parcels") },
      { title: t("Refund"), kind: "number", text: (each) => money(each.refund_minor, each.currency), by: (each) => each.refund_minor ?? -1 },
      { title: t("Asked for"), text: (each) => dateTime(each.created_at), by: (each) => each.created_at },
    ],
    open: (each) => go(roomUrl("returns", each.id)),
    ...(!isCustomer() && { actions: [
      { label: t("Approve"), isFor: (each) => each.state === "requested", act: (each) => send("POST", `/api/returns/${each.id}/approve`, {}) },
      { label: t("Decline"), fields: [{ name: "reason", label: t("Reason"), required: true }], isFor: (each) => each.state === "requested", act: (each, values) => send("POST", `/api/returns/${each.id}/decline`, values) },
    ] as Action<Return>[] }),
    empty: t("No return is like this."),
  });
}

async function showReturn(view: View, id: string): Promise<void> {
  const [each, why] = await Promise.all([get<Return>(`/api/returns/${id}`), readReasons()]);
  const shelves = each.state === "received" && !isCustomer() ? await getAll<Shelf>("/api/locations", { limit: 200 }) : [];
  const act = (label: string, path: string, fields: Field[], kind = "", body: (values: Record<string, string>) => unknown = (values) => values): HTMLElement =>
    h("button", {
      type: "button", class: kind,
      onclick: () => formDialog(label, {
        fields: fields.map((field) => ({ ...field, label: t(field.label) })), button: label,
        submit: async (values, key) => {
          await send("POST", `/api/${path}`, body(values), key);
          void showRoom();
        },
      }),
    }, label);
  const reason: Field[] = [{ name: "reason", label: "Reason" }];
  const inWindow = (values: Record<string, string>): unknown => ({
    window_start_at: momentOf(values["window_start_at"]), window_end_at: momentOf(values["window_end_at"]),
  });
  const next: Record<string, HTMLElement[]> = {
    requested: [act(t("Approve"), `returns/${id}/approve`, WINDOW, "main", inWindow), act(t("Decline"), `returns/${id}/decline`, reason, "danger")],
    approved: [act(t("Book the pickup"), `returns/${id}/book`, WINDOW, "main", inWindow), act(t("They bring it"), `returns/${id}/book`, [], "", () => ({ drop_off: true }))],
    booked: [receiveButton(each, act)],
    collected: [receiveButton(each, act)],
    inspected: [act(t("Resolve"), `returns/${id}/resolve`, [{ name: "note", label: "Note" }], "main")],
  };
  const mayCancel = ["requested", "approved", "booked"].includes(each.state);
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("returns") }, t("← Returns"))),
    h("h2", {}, each.rma, " ", h("span", { class: "pill" }, words(each.state))),
    h("p", { class: "buttons" }, ...(isCustomer() ? [] : (next[each.state] ?? [])),
      mayCancel && act(t("Cancel"), `returns/${id}/cancel`, reason, "danger")),
    h("section", { class: "card" }, facts([
      [t("Reason"), why(each.reason)],
      [t("Ends"), dateTime(each.expires_at)],
      [t("Refund"), money(each.refund_minor, each.currency)],
      [t("Fee"), money(each.fee_minor, each.currency)],
      [t("To pay back"), money(each.due_minor, each.currency)],
      ...(each.order_id ? [[t("Order"), h("a", { href: roomUrl("orders", each.order_id) }, t("Open the order"))] as [string, Node]] : []),
      ...[each.original_consignment_id, each.consignment_id].flatMap((consignmentId, index): [string, Node][] =>
        consignmentId ? [[index === 0 ? t("Was delivered as") : t("Comes back as"), h("a", { href: roomUrl("orders", "consignments", consignmentId) }, t("Open the consignment"))]] : []),
    ])),
    each.lines.length > 0 ? plainTable(t("Goods"), [
      { title: t("Goods"), text: (line) => line.description || line.sku },
      { title: t("Announced"), kind: "number", text: (line) => count(line.quantity) },
      { title: t("Received"), kind: "number", text: (line) => count(line.received_quantity) },
      { title: t("Reason"), text: (line) => why(line.reason_code) },
      { title: t("Found to be"), text: (line) => words(line.grade) },
      { title: t("Goes to"), text: (line) => words(line.disposition) },
      { title: t("Refund"), kind: "number", text: (line) => (line.refund_percent === null ? "–" : `${line.refund_percent} %`) },
    ], each.lines) : "",
    ...(each.state === "received" && !isCustomer() ? each.lines.filter((line) => line.grade === null && line.received_quantity).map((line) =>
      h("p", { class: "buttons" }, act(t("Inspect {goods}", { goods: line.description || line.sku }), `return-lines/${line.id}/inspect`, [
        { name: "grade", label: "Found to be", kind: "select", options: GRADES.map((grade) => [grade, words(grade)]), width: "half" },
        { name: "disposition", label: "Goes to", kind: "select", options: DISPOSITIONS.map((where) => [where, words(where)]), width: "half" },
        { name: "location_id", label: "Shelf", kind: "select", options: [["", "–"], ...shelves.map(({ id: shelf, path }): [string, string] => [shelf, path])], hint: t("For goods of the stock that stay"), width: "half" },
        { name: "refund_percent", label: "Refund in percent", kind: "number", value: 100, width: "half" },
        { name: "note", label: "Note" },
      ], "main", ({ location_id, ...values }) => ({ ...values, location_id: location_id || null, refund_percent: Number(values["refund_percent"]) })))) : []),
    h("div", { class: "proofs" }, ...each.lines.flatMap((line) => line.photos.map((sha256) =>
      h("img", { src: `/api/returns/${id}/photos/${sha256}`, loading: "lazy", alt: t("Picture of {goods}", { goods: line.description || line.sku }) })))),
  );
}

function receiveButton(
  each: Return,
  act: (label: string, path: string, fields: Field[], kind: string, body: (values: Record<string, string>) => unknown) => HTMLElement,
): HTMLElement {
  const fields = each.lines.map((line): Field => ({
    name: line.id, label: `${line.description || line.sku} (${line.quantity})`, kind: "number", value: line.quantity, required: true,
  }));
  return act(t("Open the box"), `returns/${each.id}/receive`, fields, "main", (values) => ({
    counted: Object.entries(values).map(([lineId, quantity]) => ({ line_id: lineId, quantity: Number(quantity) })),
  }));
}

function showDifferences(view: View, place: HTMLElement): void {
  showListing<Difference>(view, place, {
    label: t("Differences"),
    path: "/api/return-differences",
    keyOf: (each) => each.id,
    filters: [{ name: "settled", label: t("Which"), kind: "select", options: [["", t("To settle")], ["true", t("Settled")]] }],
    columns: [
      { title: t("When"), text: (each) => dateTime(each.raised_at), by: (each) => each.raised_at },
      { title: t("What"), kind: "state", text: (each) => words(each.kind) },
      { title: t("Goods"), text: (each) => each.goods },
      { title: t("Announced"), kind: "number", text: (each) => count(each.announced), by: (each) => each.announced },
      { title: t("Found"), kind: "number", text: (each) => count(each.found), by: (each) => each.found },
      { title: t("Settled by"), text: (each) => each.settled_by ? whoIs(each.settled_by) : "" },
    ],
    open: (each) => go(roomUrl("returns", each.return_id)),
    actions: [{ label: t("Settle"), fields: [{ name: "note", label: t("What was done") }], act: (each, values) => send("POST", `/api/return-differences/${each.id}/settle`, values) }],
    empty: t("Nothing waits for you."),
  });
}

interface Exchange {
  id: string; return_id: string; order_id: string; state: string; currency: string; returned_minor: number; replacement_minor: number;
  due_minor: number; settlement: string | null; created_at: string;
}

function showExchanges(view: View, place: HTMLElement): void {
  showListing<Exchange>(view, place, {
    label: t("Exchanges"),
    path: "/api/exchanges",
    keyOf: (each) => each.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(["created", "reserved", "awaiting_payment", "released", "completed", "cancelled"]) }],
    columns: [
      { title: t("Asked for"), text: (each) => dateTime(each.created_at), by: (each) => each.created_at },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Comes back"), kind: "number", text: (each) => money(each.returned_minor, each.currency), by: (each) => each.returned_minor },
      { title: t("Goes out"), kind: "number", text: (each) => money(each.replacement_minor, each.currency), by: (each) => each.replacement_minor },
      { title: t("To pay"), kind: "number", text: (each) => money(each.due_minor, each.currency), by: (each) => each.due_minor },
      { title: t("How it is paid"), text: (each) => words(each.settlement) },
    ],
    open: (each) => go(roomUrl("returns", each.return_id)),
    actions: [
      {
        label: t("It is paid"), isFor: (each) => each.state === "awaiting_payment",
        fields: [
          { name: "settlement", label: t("How"), kind: "select", options: [["paid", t("Paid")], ["on_account", t("On account")]] },
          { name: "reference", label: t("Reference") },
        ],
        act: (each, values) => send("POST", `/api/exchanges/${each.id}/payment`, values),
      },
      { label: t("Cancel"), fields: [{ name: "reason", label: t("Reason") }], act: (each, values) => send("POST", `/api/exchanges/${each.id}/cancel`, values) },
    ],
    empty: t("Nothing is exchanged."),
  });
}
