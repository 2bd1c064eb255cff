/** API keys, who did what, and the people who may sign in. */

import { send } from "../api";
import { t } from "../language";
import { aboutWhat, whoIs } from "../names";
import { h } from "../page";
import { detailPairs, type Details } from "../parts/details";
import { openDialog } from "../parts/dialog";
import { showListing, showTabs } from "../parts/listing";
import { facts } from "../parts/table";
import type { View } from "../rooms";
import { dateTime, words } from "../values";

interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

interface Deed {
  id: string;
  occurred_at: string;
  by: string;
  action: string;
  subject: string;
  details: Details;
}

export function open(view: View): Promise<void> {
  return showTabs(view, "keys", [
    { path: "", title: t("API keys"), show: (place) => void showKeys(view, place) },
    { path: "audit", title: t("Audit"), show: (place) => void showAudit(view, place) },
  ]);
}

function showKeys(view: View, place: HTMLElement): void {
  showListing<ApiKey>(view, place, {
    label: t("API keys"),
    path: "/api/api-keys",
    keyOf: (key) => key.id,
    columns: [
      { title: t("Name"), text: (key) => key.name },
      { title: t("State"), kind: "state", text: (key) => (key.revoked_at ? t("Revoked") : t("Valid")) },
      { title: t("May"), text: (key) => key.scopes.join(", ") },
      { title: t("Made"), text: (key) => dateTime(key.created_at), by: (key) => key.created_at },
      { title: t("Last used"), text: (key) => dateTime(key.last_used_at), by: (key) => key.last_used_at ?? "" },
      { title: t("Ends"), text: (key) => dateTime(key.expires_at), by: (key) => key.expires_at ?? "" },
    ],
    actions: [
      { label: t("Revoke"), isFor: (key) => key.revoked_at === null, act: (key) => send("DELETE", `/api/api-keys/${key.id}`) },
    ],
    create: {
      label: t("New API key"),
      form: () => ({
        fields: [
          { name: "name", label: t("Name"), required: true, hint: t("Which program it is for") },
          { name: "scopes", label: t("May"), required: true, value: "orders:read orders:write", hint: t("Scopes, with spaces between") },
        ],
        button: t("Make the key"),
        submit: async ({ name, scopes = "" }) => {
          const { secret } = await send<{ secret: string }>("POST", "/api/api-keys", {
            name, scopes: scopes.split(/[\s,]+/).filter(Boolean),
          });
          openDialog(
            t("The key, shown this once"),
            h("p", {}, t("Keep it where the program finds it. Nobody can show it again.")),
            h("p", {}, h("input", { readonly: true, value: secret, "aria-label": t("The key") })),
          );
        },
      }),
    },
    empty: t("There is no API key yet."),
  });
}

function showAudit(view: View, place: HTMLElement): void {
  showListing<Deed>(view, place, {
    label: t("Audit"),
    path: "/api/audit",
    keyOf: (deed) => deed.id,
    filters: [
      { name: "by", label: t("Who") },
      { name: "subject", label: t("About") },
    ],
    columns: [
      { title: t("When"), text: (deed) => dateTime(deed.occurred_at), by: (deed) => deed.occurred_at },
      { title: t("Who"), text: (deed) => whoIs(deed.by) },
      { title: t("What"), text: (deed) => words(deed.action.replaceAll(".", "_")) },
      { title: t("About"), text: (deed) => aboutWhat(deed.subject) },
      { title: t("Details"), text: (deed) => detailsOf(deed.details) },
    ],
    open: showDeed,
    empty: t("Nothing is noted for this."),
  });
}

const detailsOf = (details: Details): string =>
  detailPairs(details).map(([name, value]) => `${name}: ${value}`).join(" · ");

function showDeed(deed: Deed): void {
  openDialog(
    words(deed.action.replaceAll(".", "_")),
    facts([[t("When"), dateTime(deed.occurred_at)], [t("Who"), whoIs(deed.by)], [t("About"), aboutWhat(deed.subject)], ...detailPairs(deed.details)]),
    h("details", {}, h("summary", {}, t("As the server keeps it")), h("pre", { class: "scroll", tabindex: "0" }, JSON.stringify(deed, null, 2))),
  );
}
