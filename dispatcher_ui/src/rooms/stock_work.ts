/** The warehouse's work beside the shelves: what lacks, what suppliers send, what is handed on. */

import { get, getAll, send } from "../api";
import { nowMs } from "../clock";
import { t } from "../language";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { button, cardOf, edit, yesNo } from "../parts/edit";
import { formDialog } from "../parts/form";
import { showListing } from "../parts/listing";
import { facts, plainTable } from "../parts/table";
import { showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import type { PurchaseNote, Shortage, Sku } from "../stations/records";
import { count, date, dateTime, words } from "../values";
import { payingAccounts, stateOptions } from "./orders";

const codesOf = (typed = ""): string[] => typed.split(/[\s,;]+/).filter(Boolean);

export async function showShortages(view: View, place: HTMLElement): Promise<void> {
  const skus = await getAll<Sku>("/api/skus", { limit: 200 });
  const skuOf = (id: string): Sku | undefined => skus.find((each) => each.id === id);
  showListing<Shortage>(view, place, {
    label: t("Shortages"),
    path: "/api/shortages",
    keyOf: (each) => each.id,
    filters: [{ name: "state", label: t("State"), kind: "select", value: "open", options: stateOptions(["open", "filled", "substituted", "left_out", "cancelled"]) }],
    columns: [
      { title: t("Goods"), text: (each) => skuOf(each.sku_id)?.name ?? "" },
      { title: "SKU", text: (each) => skuOf(each.sku_id)?.code ?? "" },
      { title: t("Lacks"), kind: "number", text: (each) => count(each.quantity), by: (each) => each.quantity },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Since"), text: (each) => dateTime(each.created_at), by: (each) => each.created_at },
    ],
    actions: [
      {
        label: t("Send something else"), isFor: (each) => each.state === "open",
        fields: [{ name: "sku", label: "SKU", required: true, suggestions: skus.map(({ code }) => code) }],
        act: (each, values) => send("POST", `/api/shortages/${each.id}/substitute`, values),
      },
      { label: t("Send without it"), isFor: (each) => each.state === "open", act: (each) => send("POST", `/api/shortages/${each.id}/leave-out`) },
    ],
    empty: t("Nothing lacks."),
  });
}

export async function showPurchases(view: View, place: HTMLElement): Promise<void> {
  const accounts = await payingAccounts();
  const units = (note: PurchaseNote, of: "ordered" | "received"): number => note.lines.reduce((sum, line) => sum + line[of], 0);
  showListing<PurchaseNote>(view, place, {
    label: t("Expected goods"),
    path: "/api/purchase-notes",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Number"), text: (each) => each.number },
      { title: t("Supplier"), text: (each) => each.supplier },
      { title: t("Expected"), text: (each) => date(each.expected_on), by: (each) => each.expected_on ?? "" },
      { title: t("Ordered"), kind: "number", text: (each) => count(units(each, "ordered")), by: (each) => units(each, "ordered") },
      { title: t("Received"), kind: "number", text: (each) => count(units(each, "received")), by: (each) => units(each, "received") },
    ],
    open: (each) => openDialog(each.number,
      h("p", { class: "buttons" }, h("a", { class: "main", href: roomUrl("warehouse", "receive", each.id) }, t("Receive it with a scanner"))),
      plainTable(t("Lines"), [
        { title: "SKU", text: (line) => line.sku },
        { title: t("Ordered"), kind: "number", text: (line) => count(line.ordered) },
        { title: t("Received"), kind: "number", text: (line) => count(line.received) },
      ], each.lines)),
    create: {
      label: t("New delivery note"),
      form: () => ({
        fields: [
          { name: "account_id", label: t("Whose goods"), kind: "select", options: accounts.map(({ id, name }) => [id, name]) },
          { name: "number", label: t("Number"), required: true, width: "half" },
          { name: "supplier", label: t("Supplier"), required: true, width: "half" },
          { name: "expected_on", label: t("Expected"), kind: "date" },
          { name: "lines", label: t("Goods"), kind: "textarea", required: true, hint: t("A line for each: SKU, a space, how many") },
        ],
        button: t("Add"),
        submit: ({ lines = "", expected_on, ...values }) => send("POST", "/api/purchase-notes", {
          ...values, expected_on: expected_on || null,
          lines: lines.split("\n").filter((line) => line.trim()).map((line) => {
            const [, sku, quantity] = /^\s*(\S+)[\s,;]+(\d+)\s*$/.exec(line) ?? [];
            if (!sku) throw new Error(t("“{line}” is no SKU and a number.", { line: line.trim() }));
            return { sku, quantity: Number(quantity) };
          }),
        }),
      }),
    },
    empty: t("No supplier's goods are expected."),
  });
}

interface Container { id: string; barcode: string; kind: string; name: string; state: string; seal: string | null; inside: string | null; containers: string[]; parcels: string[]; changed_at: string }

export function showContainers(view: View, place: HTMLElement): void {
  const reload = showListing<Container>(view, place, {
    label: t("Cages and bags"),
    path: "/api/containers",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Licence plate"), text: (each) => each.barcode },
      { title: t("Name"), text: (each) => each.name },
      { title: t("Kind"), kind: "state", text: (each) => words(each.kind) },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Parcels"), kind: "number", text: (each) => count(each.parcels.length), by: (each) => each.parcels.length },
      { title: t("Inside"), text: (each) => each.inside ?? "" },
      { title: t("Changed"), text: (each) => dateTime(each.changed_at), by: (each) => each.changed_at },
    ],
    open: (each) => handle(each, () => void reload()),
    create: {
      label: t("New cage or bag"),
      form: () => ({
        fields: [
          { name: "kind", label: t("Kind"), kind: "select", options: ["cage", "bag", "pallet"].map((kind) => [kind, words(kind)]), width: "half" },
          { name: "name", label: t("Name"), width: "half" },
        ],
        button: t("Add"),
        submit: async (values, key) => {
          const made = await send<Container>("POST", "/api/containers", values, key);
          tell(t("Its licence plate is {code}", { code: made.barcode }));
        },
      }),
    },
    empty: t("There is no cage and no bag yet."),
  });
}

function handle(each: Container, changed: () => void): void {
  const path = `/api/containers/${each.barcode}`;
  const leave = (label: string, act: () => unknown): HTMLElement => button(label, () => {
    dialog.close();
    act();
  });
  const done = (sent: Promise<unknown>): void => void sent.then(changed, (error: Error) => tell(error.message));
  const some = (label: string, deed: "put" | "take"): unknown => formDialog(label, {
    note: t("All of it or nothing."),
    fields: [{ name: "barcodes", label: t("Barcodes"), kind: "textarea", required: true, hint: t("Scan one after the other") }],
    button: label,
    submit: ({ barcodes }) => send("POST", `${path}/${deed}`, { barcodes: codesOf(barcodes) }).then(changed),
  });
  const seal = (): unknown => formDialog(t("Seal it"), {
    fields: [{ name: "seal", label: t("Number of the seal") }], button: t("Seal it"),
    submit: (values) => send("POST", `${path}/seal`, values).then(changed),
  });
  const isOpen = each.state === "open";
  const dialog = openDialog(`${each.barcode} ${each.name}`,
    facts([[t("State"), words(each.state)], [t("Seal"), each.seal ?? "–"], [t("Cages and bags"), each.containers.join(", ") || "–"], [t("Parcels"), each.parcels.join(", ") || "–"]]),
    h("p", { class: "buttons" }, ...(isOpen
      ? [leave(t("Put in"), () => some(t("Put in"), "put")), leave(t("Take out"), () => some(t("Take out"), "take")), leave(t("Seal it"), seal)]
      : [leave(t("Break the seal"), () => done(send("POST", `${path}/open`)))])));
}

interface Handover { id: string; number: string; kind: string; given_by: string; taken_by: string; destination: string; parcels: number; occurred_at: string }

export function showHandovers(view: View, place: HTMLElement): void {
  showListing<Handover>(view, place, {
    label: t("Handed over"),
    path: "/api/handovers",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Number"), text: (each) => each.number },
      { title: t("Kind"), kind: "state", text: (each) => words(each.kind) },
      { title: t("From"), text: (each) => each.given_by },
      { title: t("To"), text: (each) => each.taken_by },
      { title: t("Goes to"), text: (each) => each.destination },
      { title: t("Parcels"), kind: "number", text: (each) => count(each.parcels), by: (each) => each.parcels },
      { title: t("When"), text: (each) => dateTime(each.occurred_at), by: (each) => each.occurred_at },
    ],
    open: (each) => void window.open(`/api/handovers/${each.id}/manifest.pdf`, "_blank", "noreferrer"),
    create: {
      label: t("Hand parcels over"),
      form: () => ({
        note: t("It is written down for good, with a manifest to print."),
        fields: [
          { name: "kind", label: t("Kind"), kind: "select", options: ["linehaul", "agent", "shop", "loading"].map((kind) => [kind, words(kind)]), width: "half" },
          { name: "destination", label: t("Goes to"), width: "half" },
          { name: "given_by", label: t("Who gives"), required: true, width: "half" },
          { name: "taken_by", label: t("Who takes"), required: true, width: "half" },
          { name: "barcodes", label: t("Barcodes"), kind: "textarea", required: true, hint: t("Scan one after the other") },
          { name: "note", label: t("Note") },
        ],
        button: t("Hand over"),
        submit: ({ barcodes, ...values }, key) => send("POST", "/api/handovers", { ...values, barcodes: codesOf(barcodes), occurred_at: new Date(nowMs()).toISOString() }, key),
      }),
    },
    empty: t("Nothing was handed over yet."),
  });
}

/** One kind of goods: how much can be promised, what may be sent instead. */
export async function showSku(view: View, id: string): Promise<void> {
  const path = `/api/skus/${id}`;
  const [sku, can, instead, lots] = await Promise.all([
    get<Sku>(path), get<{ free: number; held: number; available: number }>(`${path}/availability`), get<Sku[]>(`${path}/substitutes`),
    getAll<{ lot: string; expires_on: string | null; on_hand: number; allocated: number }>("/api/stock/lots", { sku: id, limit: 200 }),
  ]);
  const changed = (): Promise<void> => showRoom();
  const measures = ["weight_g", "length_mm", "width_mm", "height_mm", "safety_stock", "reorder_point"] as const;
  const labels: Record<(typeof measures)[number], string> = {
    weight_g: t("Weight, g"), length_mm: t("Length, mm"), width_mm: t("Width, mm"), height_mm: t("Height, mm"), safety_stock: t("Never below"), reorder_point: t("Order at"),
  };
  const change = (): unknown => edit<Sku>({
    title: sku.code, read: () => get<Sku>(path), saved: changed,
    fields: (now) => [
      { name: "name", label: t("Name"), required: true, value: now.name },
      ...measures.map((name) => ({ name, label: labels[name], kind: "number" as const, value: now[name], required: true, width: "third" as const })),
      { name: "backorder_allowed", label: t("May be ordered when it is out"), kind: "select", options: yesNo(), value: String(now.backorder_allowed), width: "half" },
      { name: "active", label: t("Is sold"), kind: "select", options: yesNo(), value: String(now.active), width: "half" },
    ],
    save: ({ name, backorder_allowed, active, ...typed }) => send("PATCH", path, {
      name, backorder_allowed: backorder_allowed === "true", active: active === "true",
      ...Object.fromEntries(Object.entries(typed).map(([each, value]) => [each, Number(value)])),
    }),
  });
  const choose = (): unknown => edit<Sku[]>({
    title: t("What may be sent instead"), read: () => get<Sku[]>(`${path}/substitutes`), saved: changed,
    fields: (now) => [{ name: "skus", label: "SKU", value: now.map(({ code }) => code).join(" "), hint: t("The best first, with spaces between") }],
    save: ({ skus }) => send("PUT", `${path}/substitutes`, { skus: codesOf(skus) }),
  });
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("warehouse", "skus") }, "← SKUs")),
    h("h2", {}, `${sku.name} `, h("span", { class: "pill" }, sku.active ? t("Active") : t("Gone"))),
    h("div", { class: "columns" },
      cardOf(t("What is known"), [button(t("Change"), change)], facts([
        ["SKU", sku.code],
        ...measures.map((name): [string, string] => [labels[name], count(sku[name])]),
        [t("May be ordered when it is out"), sku.backorder_allowed ? t("Yes") : t("No")],
      ])),
      cardOf(t("Can be promised"), [], facts([[t("Free"), count(can.free)], [t("Held for quotes"), count(can.held)], [t("To promise"), count(can.available)]])),
      cardOf(t("What may be sent instead"), [button(t("Change"), choose)],
        instead.length > 0 ? h("ol", { class: "story" }, ...instead.map((each) => h("li", {}, h("span", {}, each.code), h("p", {}, each.name)))) : h("p", { class: "hint" }, t("Nothing without asking."))),
      lots.length > 0 && cardOf(t("Lots"), [], plainTable(t("Lots"), [
        { title: t("Lot"), text: (each) => each.lot },
        { title: t("Best before"), text: (each) => date(each.expires_on) },
        { title: t("There"), kind: "number", text: (each) => count(each.on_hand) },
        { title: t("Promised"), kind: "number", text: (each) => count(each.allocated) },
      ], lots))),
  );
}
