/** The gate of the depot, and what is loaded into a vehicle: all by scan. */

import { get, newKey, send } from "../api";
import { t } from "../language";
import { h } from "../page";
import { formDialog } from "../parts/form";
import { plainTable } from "../parts/table";
import { type View } from "../rooms";
import { nowMs } from "../clock";
import { translated } from "../server_words";
import { words } from "../values";
import type { Depot } from "./plan_records";
import { scanner, uuidOf } from "./scanner";

interface LoadCheck {
  run_id: string; driver_name: string; missing: string[]; finished_at: string | null;
  parcels: { barcode: string; waybill: string; consignee: string; stop: number | null; state: string }[];
}
interface Answer { barcode: string; result: string; sentence: string }

export async function showGate(place: HTMLElement): Promise<void> {
  const depots = await get<Depot[]>("/api/depots").catch((): Depot[] => []);
  const depot = h("select", { "aria-label": t("Depot") }, ...depots.map(({ id, name }) => h("option", { value: id }, name)));
  const direction = h("select", { "aria-label": t("Direction") },
    h("option", { value: "in" }, t("Comes in")), h("option", { value: "out" }, t("Goes out")));
  place.append(h("p", { class: "filters" }, depot, direction), scanner(t("Scan parcels, cages and bags"), async (code) => {
    const [answer] = await send<Answer[]>("POST", `/api/depots/${depot.value}/scans`, {
      direction: direction.value, barcodes: [code], occurred_at: new Date(nowMs()).toISOString(), scan_id: uuidOf(newKey()),
    });
    return { sentence: translated(answer?.sentence ?? ""), isGood: answer?.result === "accepted" };
  }));
}

export async function showLoadCheck(view: View, runId: string): Promise<void> {
  const rest = h("div");
  const draw = async (): Promise<LoadCheck> => {
    const check = await get<LoadCheck>(`/api/runs/${runId}/load-check`);
    rest.replaceChildren(
      h("p", { role: "status" }, t("Missing: {n} of {all}", { n: check.missing.length, all: check.parcels.length })),
      plainTable(t("Parcels of the run"), [
        { title: t("Stop"), kind: "number", text: (parcel) => (parcel.stop === null ? "–" : String(parcel.stop + 1)) },
        { title: t("Barcode"), text: (parcel) => parcel.barcode },
        { title: t("Consignee"), text: (parcel) => parcel.consignee },
        { title: t("State"), text: (parcel) => words(parcel.state) },
      ], check.parcels));
    return check;
  };
  const first = await draw();
  const finish = (): unknown => formDialog(t("Loading is finished"), {
    fields: [{ name: "reason", label: t("Why parcels are missing, if any are") }],
    button: t("Finish"),
    submit: async (values) => {
      await send("POST", `/api/runs/${runId}/load-check/finish`, values);
      await draw();
    },
  });
  view.place.append(
    h("h2", {}, t("Load check of {name}", { name: first.driver_name })),
    scanner(t("Scan what is loaded"), async (code) => {
      const [answer] = await send<Answer[]>("POST", `/api/runs/${runId}/load-check/scans`, {
        barcode: code, occurred_at: new Date(nowMs()).toISOString(), scan_id: uuidOf(newKey()),
      });
      void draw();
      return { sentence: translated(answer?.sentence ?? ""), isGood: answer?.result === "ok" };
    }),
    rest, h("p", { class: "buttons" }, h("button", { type: "button", class: "main", onclick: finish }, t("Finish loading"))),
  );
}
