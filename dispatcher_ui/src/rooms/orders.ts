/** Orders, consignments, the counter, imports and places that need a pin. */

import { get, getAll, isCustomer, newKey, Refusal, send, type Page } from "../api";
import type { LonLat } from "../frames";
import { t } from "../language";
import { whoIs } from "../names";
import { h, tell } from "../page";
import { edit } from "../parts/edit";
import { formDialog, type Field } from "../parts/form";
import { showListing, showTabs, type Action } from "../parts/listing";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { translated } from "../server_words";
import { count, dateTime, kilograms, localMoment, momentOf, money, span, words } from "../values";
import { findPreference, preferenceCard } from "./preferences";
import { mergeOrder, showStanding, splitOrder } from "./order_work";
import type { Account, Consignment, Order, OrderEvent, Place } from "./order_records";

const ORDER_STATES = [
  "draft", "received", "accepted", "on_hold", "processing", "in_fulfilment", "shipped", "delivered",
  "completed", "cancelled",
];
const CONSIGNMENT_STATES = [
  "announced", "collected", "at_depot", "loaded", "out_for_delivery", "attempted", "delivered",
  "refused", "damaged", "lost", "returning", "returned", "cancelled",
];
const HOLDABLE = ["received", "accepted"];
/** What was said then stands. */
const GONE = ["shipped", "delivered", "completed", "cancelled"];
const CANCEL_CODES = ["customer_request", "duplicate", "fraud", "out_of_stock", "our_mistake", "other"];

export async function open(view: View): Promise<void> {
  const [first = "", second] = view.segments;
  const isConsignment = first === "consignments" && second !== undefined;
  if (isConsignment || /^[0-9a-f-]{36}$/.test(first)) {
    if (!isConsignment) return showOrder(view, first);
    const { showConsignment } = await import("./consignment");
    return showConsignment(view, second);
  }
  return showTabs(view, "orders", [
    { path: "", title: t("Orders"), show: (place) => void showOrders(view, place) },
    { path: "consignments", title: t("Consignments"), show: (place) => void showConsignments(view, place) },
    { path: "new", title: t("New order"), show: async (place) => (await import("./counter")).showCounter(place) },
    { path: "standing", title: t("Standing orders"), show: (place) => showStanding(view, place) },
    { path: "imports", title: t("Imports"), show: async (place) => (await import("./imports")).showImports(view, place) },
    ...(isCustomer() ? [] : [
      { path: "places", title: t("Places to pin"), show: (place: HTMLElement) => void showPlaces(view, place) },
    ]),
  ]);
}

export const stateOptions = (states: string[]): [string, string][] => [
  ["", t("All")],
  ...states.map((state): [string, string] => [state, words(state)]),
];

function showOrders(view: View, place: HTMLElement): void {
  showListing<Order>(view, place, {
    label: t("Orders"),
    path: "/api/orders",
    keyOf: (order) => order.id,
    filters: [
      { name: "text", label: t("Number, name, street"), kind: "search" },
      { name: "state", label: t("State"), kind: "select", options: stateOptions(ORDER_STATES) },
    ],
    columns: [
      { title: t("Number"), text: (order) => order.number },
      { title: t("State"), kind: "state", text: (order) => words(order.state) },
      { title: t("Consignee"), text: (order) => order.consignee.name },
      { title: t("Reference"), text: (order) => order.reference },
      { title: t("Kind"), text: (order) => words(order.kind) },
      { title: t("Deliver"), text: (order) => span(order.window_start_at, order.window_end_at), by: (order) => order.window_start_at ?? "" },
      { title: t("Cash due"), kind: "number", text: (order) => (order.cash_minor ? money(order.cash_minor, order.currency) : ""), by: (order) => order.cash_minor },
      { title: t("Channel"), text: (order) => channelWords(order.channel) },
      { title: t("Taken"), text: (order) => dateTime(order.captured_at), by: (order) => order.captured_at },
    ],
    searchText: ({ number, external_id, reference, consignee, consignor }) =>
      [number, external_id, reference, consignee.name, consignee.phone, consignee.email, consignor?.name].join(" "),
    open: (order) => go(roomUrl("orders", order.id)),
    actions: [
      ...(isCustomer() ? [] : holding()),
      { label: t("Cancel"), fields: cancelFields(), act: (order, values) => send("POST", `/api/orders/${order.id}/cancel`, values) },
    ],
    extra: [h("p", { class: "buttons" }, h("a", { class: "main", href: roomUrl("orders", "new") }, t("New order")))],
    empty: t("No order is like this."),
  });
}

const holding = (): Action<Order>[] => [
  {
    label: t("Hold"), fields: [{ name: "reason", label: t("Reason"), required: true }],
    act: (order, values) => send("POST", `/api/orders/${order.id}/hold`, values),
    undo: (order) => send("POST", `/api/orders/${order.id}/release`, { kind: "person" }),
  },
  { label: t("Release"), act: (order) => send("POST", `/api/orders/${order.id}/release`, {}), isFor: (order) => order.state === "on_hold" },
];

function cancelFields(): Field[] {
  return [
    { name: "code", label: t("Why"), kind: "select", options: CANCEL_CODES.map((code) => [code, words(code)]) },
    { name: "reason", label: t("In words") },
  ];
}

function showConsignments(view: View, place: HTMLElement): void {
  showListing<Consignment>(view, place, {
    label: t("Consignments"),
    path: "/api/consignments",
    keyOf: (each) => each.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(CONSIGNMENT_STATES) }],
    columns: [
      { title: t("Waybill"), text: (each) => each.waybill },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("Consignee"), text: (each) => each.consignee.name },
      { title: t("Consignor"), text: (each) => each.consignor.name },
      { title: t("Parcels"), kind: "number", text: (each) => count(each.parcels.length), by: (each) => each.parcels.length },
      { title: t("Weight"), kind: "number", text: (each) => kilograms(weightOf(each)), by: weightOf },
      { title: t("Deliver"), text: (each) => span(each.window_start_at, each.window_end_at), by: (each) => each.window_start_at ?? "" },
      { title: t("Cash due"), kind: "number", text: (each) => (each.cash_minor ? money(each.cash_minor, each.currency) : ""), by: (each) => each.cash_minor },
    ],
    open: (each) => go(roomUrl("orders", "consignments", each.id)),
    ...(!isCustomer() && { actions: [
      { label: t("Drive urgently"), act: (each: Consignment) => send("POST", `/api/consignments/${each.id}/urgent`) },
    ] }),
    extra: [h("button", { type: "button", onclick: () => printLabels(place) }, t("Print labels"))],
    empty: t("No consignment is like this."),
  });
}

const channelWords = (channel: string): string => (channel === "api" ? "API" : words(channel));
const weightOf = (each: Consignment): number => each.parcels.reduce((sum, parcel) => sum + parcel.weight_g, 0);
const LABELS_MAX = 100;

/** Of those in the list that is shown, newest first. */
async function printLabels(place: HTMLElement): Promise<void> {
  const state = new URLSearchParams(location.search).get("state");
  const { items } = await get<Page<Consignment>>("/api/consignments", { state, limit: LABELS_MAX });
  if (items.length === 0) return tell(place.querySelector(".told")?.textContent ?? "");
  const query = new URLSearchParams(items.map((each) => ["ids", each.id]));
  window.open(`/api/consignments/labels.pdf?${query}`, "_blank", "noreferrer");
}

async function showOrder(view: View, orderId: string): Promise<void> {
  const [order, events, consignments, stock] = await Promise.all([
    get<Order>(`/api/orders/${orderId}`),
    get<OrderEvent[]>(`/api/orders/${orderId}/events`),
    getAll<Consignment>("/api/consignments", { order_id: orderId, limit: 200 }),
    get<{ backorders: unknown[] }>(`/api/orders/${orderId}/stock`),
  ]);
  const { phone, email, place_key } = order.consignee;
  const who = { account: isCustomer() ? undefined : order.account_id, phone, email, place_key };
  const usual = await findPreference(who).catch(() => undefined);
  const changed = (): Promise<void> => showRoom();
  const act = (label: string, path: string, fields?: Field[], kind = ""): HTMLElement =>
    h("button", {
      type: "button", class: kind,
      onclick: () => void (fields
        ? formDialog(label, {
            fields, button: label,
            submit: async (values) => {
              await send("POST", `/api/orders/${orderId}/${path}`, values);
              void changed();
            },
          })
        : send("POST", `/api/orders/${orderId}/${path}`, {}, newKey()).then(changed, (error: Error) => tell(error.message))),
    }, label);
  const isGone = GONE.includes(order.state);
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("orders") }, t("← Orders"))),
    h("h2", {}, t("Order {number}", { number: order.number }), " ", h("span", { class: "pill" }, words(order.state))),
    h("p", { class: "buttons" },
      !isGone && h("button", { type: "button", class: "main", onclick: () => amend(order, changed) }, t("Change")),
      !isCustomer() && order.state === "on_hold" && act(t("Release"), "release"),
      !isCustomer() && HOLDABLE.includes(order.state) && act(t("Hold"), "hold", [{ name: "reason", label: t("Reason"), required: true }]),
      act(t("Order the same again"), "clone"),
      !isCustomer() && !isGone && h("button", { type: "button", onclick: () => splitOrder(order) }, t("Split")),
      !isCustomer() && !isGone && h("button", { type: "button", onclick: () => void mergeOrder(order, changed) }, t("Put together with …")),
      consignments.some(({ state }) => state === "delivered") && order.kind === "goods" &&
        h("button", { type: "button", onclick: () => void exchange(order, consignments) }, t("Exchange …")),
      order.state === "draft" && h("button", { type: "button", class: "main", onclick: () => void send("POST", `/api/quotes/${orderId}/accept`).then(changed, (error: Error) => tell(error.message)) }, t("Accept the quote")),
      !isGone && act(t("Cancel the order"), "cancel", cancelFields(), "danger"),
    ),
    h("div", { class: "columns" },
      h("section", { class: "card" }, h("h3", {}, t("What and where")), facts([
        [t("Consignee"), `${order.consignee.name} ${order.consignee.phone ?? ""}`],
        [t("Consignor"), order.consignor?.name ?? "–"],
        [t("Deliver"), span(order.window_start_at, order.window_end_at)],
        [t("Collect"), span(order.pickup_window_start_at, order.pickup_window_end_at)],
        [t("Instructions"), order.instructions || "–"],
        [t("Reference"), order.reference || "–"],
        [t("Cost centre"), order.cost_centre || "–"],
        [t("Channel"), `${channelWords(order.channel)} ${order.external_id ?? ""}`],
        [t("Value"), money(order.value_minor ?? 0, order.currency)],
        [t("Cash due"), money(order.cash_minor, order.currency)],
        ...(stock.backorders.length > 0 ? [[t("Waits for goods"), count(stock.backorders.length)] as [string, string]] : []),
      ])),
      h("section", { class: "card" }, h("h3", {}, t("Story")), story(events)),
      usual ? preferenceCard(who, usual, changed) : "",
    ),
    order.lines.length > 0 ? plainTable(t("Goods"), [
      { title: "SKU", text: (line) => line.sku },
      { title: t("Goods"), text: (line) => line.description ?? "" },
      { title: t("Quantity"), kind: "number", text: (line) => count(line.quantity) },
      { title: t("Price"), kind: "number", text: (line) => money(line.unit_price_minor, order.currency) },
    ], order.lines) : "",
    h("h3", {}, t("Consignments")),
    h("ul", { class: "story card" }, ...consignments.map((each) =>
      h("li", {}, h("a", { href: roomUrl("orders", "consignments", each.id) }, each.waybill), h("p", {}, words(each.state))))),
  );
}

async function exchange(order: Order, consignments: Consignment[]): Promise<void> {
  try {
    await (await import("./exchange")).makeExchange(order, consignments);
  } catch (error) {
    tell((error as Error).message);
  }
}

function story(events: OrderEvent[]): HTMLElement {
  return h("ol", { class: "story" }, ...[...events].reverse().map((event) => {
    const { state, ...others } = event.changes;
    const changes = Object.entries(others).map(([name, [before, after]]) =>
      `${words(name)}: ${short(before)} → ${short(after)}`);
    // Of a move people want to know where to; what it was before stands in the entry below.
    const what = state ? words(String(state[1])) : words(event.what);
    return h("li", {}, h("time", { datetime: event.occurred_at }, dateTime(event.occurred_at)),
      h("div", {}, h("p", {}, `${what} ${translated(event.reason)}`),
        h("p", { class: "aside" }, [whoIs(event.by), ...changes].join(" · "))));
  }));
}

const short = (value: unknown): string =>
  value == null || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value);

/** Amends the version that was looked at, or merges with what somebody else did to it meanwhile. */
function amend({ id, number }: Order, done: () => unknown): void {
  void edit<Order>({
    title: t("Change order {number}", { number }),
    read: () => get<Order>(`/api/orders/${id}`),
    fields: (order) => [
      { name: "reference", label: t("Reference"), value: order.reference, width: "half" },
      { name: "cost_centre", label: t("Cost centre"), value: order.cost_centre ?? "", width: "half" },
      { name: "phone", label: t("Consignee's phone"), kind: "tel", value: order.consignee.phone ?? "" },
      { name: "window_start_at", label: t("Deliver from"), kind: "datetime-local", width: "half", value: shownOf(order, "window_start_at") },
      { name: "window_end_at", label: t("until"), kind: "datetime-local", width: "half", value: shownOf(order, "window_end_at") },
      { name: "address", label: t("New address"), hint: t("Only if it is to go elsewhere"), value: "" },
      { name: "instructions", label: t("Instructions"), kind: "textarea", value: order.instructions },
    ],
    save: (typed, order) => send("PATCH", `/api/orders/${id}`, amendmentOf(order, typed)),
    saved: done,
    isUndoable: ({ address }) => !address,
  });
}

const COMPARED = ["reference", "instructions", "cost_centre", "window_start_at", "window_end_at"] as const;

const shownOf = (order: Order, name: (typeof COMPARED)[number]): string => {
  const value = order[name] ?? "";
  return value !== "" && name.endsWith("_at") ? localMoment(value) : value;
};

/** Only what differs from what was looked at. */
function amendmentOf(order: Order, typed: Record<string, string>): Record<string, unknown> {
  const changes: Record<string, unknown> = { expected_version: order.version };
  for (const name of ["reference", "instructions", "cost_centre"] as const) {
    if (typed[name] !== (order[name] ?? "")) changes[name] = typed[name];
  }
  for (const name of ["window_start_at", "window_end_at"] as const) {
    if (typed[name] && typed[name] !== shownOf(order, name)) changes[name] = momentOf(typed[name]);
  }
  if (("window_start_at" in changes) !== ("window_end_at" in changes)) {
    changes["window_start_at"] ??= order.window_start_at;
    changes["window_end_at"] ??= order.window_end_at;
  }
  const consignee: Record<string, unknown> = {};
  if (typed["phone"] !== (order.consignee.phone ?? "")) consignee["phone"] = typed["phone"];
  if (typed["address"]) consignee["address"] = { line: typed["address"] };
  if (Object.keys(consignee).length > 0) changes["consignee"] = consignee;
  return changes;
}

function showPlaces(view: View, place: HTMLElement): void {
  const reload = showListing<Place>(view, place, {
    label: t("Places to pin"),
    path: "/api/places",
    query: { needs_pin: "true" },
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("Address"), text: (each) => each.line },
      { title: t("Known to"), kind: "state", text: (each) => words(each.precision) },
      { title: t("At the door"), text: (each) => each.access_note },
    ],
    open: (each) => void pin(each, () => void reload()),
    empty: t("Every address has its place on the map."),
  });
}

/** Click on the map where it is, or type the position. */
export async function pin(place: Place, done: () => void): Promise<void> {
  const { PointMap } = await import("../parts/point_map");
  const near = await get<{ items: { position: LonLat }[] }>("/api/places/search", { q: place.city || place.line || "a", limit: 1 })
    .catch(() => ({ items: [] }));
  const map = new PointMap((at) => {
    put("lon", at[0]);
    put("lat", at[1]);
    map.show([{ at }], [], false);
  });
  const dialog = formDialog(t("Where is {place}?", { place: place.line || place.name }), {
    note: t("Click on the map, or type longitude and latitude."),
    fields: [
      { name: "lon", label: t("Longitude"), kind: "number", required: true, width: "half", value: place.position?.[0] ?? "" },
      { name: "lat", label: t("Latitude"), kind: "number", required: true, width: "half", value: place.position?.[1] ?? "" },
    ],
    button: t("Pin it here"),
    submit: async ({ lon, lat }) => {
      await send("POST", `/api/places/${place.id}/pin`, { lon: Number(lon), lat: Number(lat) });
      done();
    },
  }, t("Pinned"));
  const put = (name: string, value: number): void => {
    const input = dialog.querySelector<HTMLInputElement>(`[name="${name}"]`);
    if (input) input.value = value.toFixed(6);
  };
  dialog.querySelector("form")?.prepend(map.element);
  const start = place.position ?? near.items[0]?.position;
  if (start) map.show([{ at: start, colour: "#8a5300" }]);
  dialog.addEventListener("close", () => map.close());
}

/** Active accounts, for choosing who pays. */
export async function payingAccounts(): Promise<Account[]> {
  const accounts = await getAll<Account>("/api/accounts", { limit: 200 }).catch((error: unknown): Account[] => {
    if (error instanceof Refusal && error.status === 403) return []; // they are not for everybody
    throw error;
  });
  return accounts.filter((each) => each.active);
}

export const accountOptions = (accounts: Account[]): [string, string][] =>
  accounts.map(({ code, name }) => [code, `${name} (${code})`]);
