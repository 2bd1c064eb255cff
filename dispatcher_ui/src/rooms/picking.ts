/** Pick waves: rounds through the shelves, and what to do with those that are open. */

import { getAll, send } from "../api";
import { t } from "../language";
import { showListing } from "../parts/listing";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { count, dateTime, words } from "../values";
import type { Location, Wave } from "../stations/records";
import { stateOptions } from "./orders";


export async function showWaves(view: View, place: HTMLElement): Promise<void> {
  const warehouses = (await getAll<Location>("/api/locations", { limit: 200 })).filter(({ kind }) => kind === "warehouse");
  showListing<Wave>(view, place, {
    label: t("Pick waves"),
    path: "/api/pick-waves",
    keyOf: (wave) => wave.id,
    filters: [{ name: "state", label: t("State"), kind: "select", options: stateOptions(["open", "done", "cancelled"]) }],
    columns: [
      { title: t("Made"), text: (wave) => dateTime(wave.created_at), by: (wave) => wave.created_at },
      { title: t("State"), kind: "state", text: (wave) => words(wave.state) },
      { title: t("Warehouse"), text: (wave) => warehouses.find(({ id }) => id === wave.warehouse_id)?.name ?? "" },
      { title: t("Walk"), kind: "number", text: (wave) => `${count(wave.walk_m)} m`, by: (wave) => wave.walk_m },
    ],
    open: (wave) => go(roomUrl("warehouse", "pick", wave.id)),
    actions: [{ label: t("Give up what is left"), isFor: (wave) => wave.state === "open", act: (wave) => send("POST", `/api/pick-waves/${wave.id}/cancel`) }],
    create: {
      label: t("New pick wave"),
      form: () => ({
        fields: [{ name: "warehouse_id", label: t("Warehouse"), kind: "select", required: true, options: warehouses.map(({ id, name, path }) => [id, name || path]) }],
        button: t("Make the wave"),
        submit: async (values, key) => {
          const wave = await send<Wave>("POST", "/api/pick-waves", values, key);
          go(roomUrl("warehouse", "pick", wave.id));
        },
      }),
    },
    empty: t("There is no pick wave."),
  });
}
