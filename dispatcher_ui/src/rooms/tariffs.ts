/** The list of tariffs; each has a page of its own. */

import { send } from "../api";
import { t } from "../language";
import { h } from "../page";
import { showListing } from "../parts/listing";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { dateTime, momentOf } from "../values";
import type { Tariff } from "./tariff";

type NameOf = (accountId: string | null) => string;

export function showTariffs(view: View, place: HTMLElement, nameOf: NameOf): void {
  showListing<Tariff>(view, place, {
    label: t("Tariffs"),
    path: "/api/tariffs",
    keyOf: (each) => each.id,
    columns: [
      { title: t("Name"), text: (each) => each.name },
      { title: t("State"), kind: "state", text: (each) => (each.activated_at ? t("Active") : t("Draft")) },
      { title: t("Account"), text: (each) => (each.account_id ? nameOf(each.account_id) : t("All")) },
      { title: t("Service"), text: (each) => each.service_level ?? t("All") },
      { title: t("From"), text: (each) => dateTime(each.valid_from), by: (each) => each.valid_from },
      { title: t("Until"), text: (each) => dateTime(each.valid_until), by: (each) => each.valid_until ?? "" },
    ],
    open: (each) => go(roomUrl("billing", "tariffs", each.id)),
    actions: [
      { label: t("Activate"), isFor: (each) => each.activated_at === null, act: (each) => send("POST", `/api/tariffs/${each.id}/activate`, {}) },
      {
        label: t("End"), isFor: (each) => each.activated_at !== null,
        fields: [{ name: "valid_until", label: t("Ends"), kind: "datetime-local", required: true }],
        act: (each, values) => send("POST", `/api/tariffs/${each.id}/end`, { valid_until: momentOf(values["valid_until"]) }),
      },
    ],
    extra: [h("p", { class: "buttons" }, h("a", { class: "main", href: roomUrl("billing", "tariffs", "new") }, t("New tariff")))],
    empty: t("There is no tariff yet: work is kept and priced once there is one."),
  });
}
