/** Orders that come again and again, quotes, and orders made one or two. */

import { getAll, send } from "../api";
import { t } from "../language";
import { tell } from "../page";
import { openDialog } from "../parts/dialog";
import { formDialog, type Field } from "../parts/form";
import { showListing } from "../parts/listing";
import { facts } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { translated } from "../server_words";
import { dateTime, words } from "../values";
import type { Order } from "./order_records";
import { accountOptions, payingAccounts } from "./orders";

interface Standing { id: string; name: string; rule: string; state: string; timezone: string; starts_local: string; next: string[]; skipped: string[]; problem: string; order: { consignee: { name: string } } }

const RHYTHMS: [rule: string, label: string][] = [
  ["FREQ=DAILY", "Every day"], ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every working day"], ["FREQ=WEEKLY", "Every week"], ["FREQ=WEEKLY;INTERVAL=2", "Every second week"], ["FREQ=MONTHLY", "Every month"],
];

export async function showStanding(view: View, place: HTMLElement): Promise<void> {
  const accounts = accountOptions(await payingAccounts());
  const rhythm = (rule: string): string => t(RHYTHMS.find(([each]) => each === rule)?.[1] ?? rule);
  const deed = (path: string) => (each: Standing): Promise<unknown> => send("POST", `/api/standing-orders/${each.id}/${path}`);
  showListing<Standing>(view, place, {
    label: t("Standing orders"),
    path: "/api/standing-orders",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("State"), kind: "state", text: (each) => words(each.state) },
      { title: t("How often"), text: (each) => rhythm(each.rule) },
      { title: t("Consignee"), text: (each) => each.order.consignee.name },
      { title: t("Next"), text: (each) => dateTime(each.next[0]), by: (each) => each.next[0] ?? "" },
      { title: t("What is wrong"), text: (each) => each.problem.replace(/^(\S+): (.*)$/s, (_, at: string, what: string) => `${dateTime(at)}: ${translated(what)}`) },
    ],
    open: (each) => openDialog(each.name, facts([
      [t("How often"), rhythm(each.rule)], [t("Consignee"), each.order.consignee.name],
      [t("Next"), each.next.map((moment) => dateTime(moment)).join(" · ") || "–"], [t("Left out"), each.skipped.join(" · ") || "–"],
    ])),
    actions: [
      { label: t("Pause"), isFor: (each) => each.state === "active", act: deed("pause"), undo: deed("resume") },
      { label: t("Go on"), isFor: (each) => each.state === "paused", act: deed("resume"), undo: deed("pause") },
      {
        label: t("Leave a day out"), fields: [{ name: "day", label: t("Day"), kind: "date", required: true }],
        act: (each, { day }) => send("PUT", `/api/standing-orders/${each.id}/skipped/${day}`),
      },
      { label: t("End for good"), isFor: (each) => each.state !== "ended", act: deed("end") },
    ],
    create: {
      label: t("New standing order"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true, width: "half" },
          { name: "account", label: t("Who pays"), kind: "select", options: accounts, width: "half" },
          { name: "from_name", label: t("Collect from"), required: true, width: "half" },
          { name: "from_line", label: t("Address to collect at"), required: true, width: "half" },
          { name: "to_name", label: t("Consignee"), required: true, width: "half" },
          { name: "to_line", label: t("Address"), required: true, width: "half" },
          { name: "rule", label: t("How often"), kind: "select", options: RHYTHMS.map(([rule, label]) => [rule, t(label)]), width: "half" },
          { name: "starts_local", label: t("First delivery from"), kind: "datetime-local", required: true, width: "half" },
          { name: "hours", label: t("Hours for it"), kind: "number", value: 4, width: "half" },
          { name: "weight_kg", label: t("Weight, kg"), kind: "number", value: 1, width: "half" },
        ],
        button: t("Add"),
        submit: (typed) => send("POST", "/api/standing-orders", {
          order: {
            kind: "courier", account: typed["account"],
            consignor: { name: typed["from_name"], address: { line: typed["from_line"] } },
            consignee: { name: typed["to_name"], address: { line: typed["to_line"] } },
            parcels: [{ weight_g: Math.round(Number(typed["weight_kg"]) * 1000) }],
          },
          rhythm: {
            name: typed["name"], rule: typed["rule"], starts_local: `${typed["starts_local"]}:00`,
            timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, duration_s: Math.round(Number(typed["hours"]) * 3_600),
          },
        }),
      }),
    },
    empty: t("Nothing is ordered again and again."),
  });
}

/** Some of its goods or parcels become an order of their own. */
export function splitOrder(order: Order & { parcels?: { description?: string }[] }): void {
  const goods = order.lines.map((line, position): Field => ({
    name: `line-${position}`, label: t("{goods}: of {n} go", { goods: line.description || line.sku, n: line.quantity }), kind: "number", value: 0, width: "half",
  }));
  const parcels = order.lines.length > 0 ? [] : (order.parcels ?? []).map((parcel, position): Field => ({
    name: `parcel-${position}`, label: parcel.description || t("Parcel {n}", { n: position + 1 }), kind: "select", options: [["", t("stays")], ["goes", t("goes")]], width: "half",
  }));
  formDialog(t("Make two orders of it"), {
    note: t("What goes into the new order?"),
    fields: [...goods, ...parcels],
    button: t("Split"),
    submit: async (typed) => {
      const lines = goods.map(({ name }, index) => ({ position: index + 1, quantity: Number(typed[name] ?? 0) })).filter(({ quantity }) => quantity > 0);
      const made = await send<{ split_off: Order }>("POST", `/api/orders/${order.id}/split`, {
        expected_version: order.version, lines, parcels: parcels.flatMap(({ name }, index) => (typed[name] === "goes" ? [index + 1] : [])),
      });
      tell(t("Order {number} was made of it", { number: made.split_off.number }));
      go(roomUrl("orders", made.split_off.id));
    },
  });
}

/** For the same consignee; the other one ends. */
export async function mergeOrder(order: Order, done: () => unknown): Promise<void> {
  const others = (await getAll<Order>("/api/orders", { account: order.account_id, text: order.consignee.name, limit: 100 }))
    .filter((each) => each.id !== order.id && !["cancelled", "delivered", "completed", "shipped"].includes(each.state));
  if (others.length === 0) return tell(t("There is no other order for {name}.", { name: order.consignee.name }));
  formDialog(t("Make one order of two"), {
    note: t("The other order is put into this one and ends."),
    fields: [{ name: "other_id", label: t("The other order"), kind: "select", options: others.map((each) => [each.id, `${each.number} · ${each.consignee.name} · ${dateTime(each.captured_at)}`]) }],
    button: t("Put together"),
    submit: (values) => send("POST", `/api/orders/${order.id}/merge`, values).then(done),
  });
}
