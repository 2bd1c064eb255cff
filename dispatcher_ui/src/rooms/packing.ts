/** What is to be picked and packed, order by order. */

import { send } from "../api";
import { t } from "../language";
import { showListing } from "../parts/listing";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { dateTime, words } from "../values";
import type { Fulfilment } from "../stations/records";
import { stateOptions } from "./orders";


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
    open: (each) => go(roomUrl("warehouse", "pack", each.id)),
    actions: [
      { label: t("Hold"), fields: [{ name: "reason", label: t("Reason"), required: true }], act: (each, values) => send("POST", `/api/fulfilments/${each.id}/hold`, values) },
      { label: t("Release"), isFor: (each) => each.state === "on_hold", act: (each) => send("POST", `/api/fulfilments/${each.id}/release`) },
    ],
    empty: t("Nothing is to be packed."),
  });
}
