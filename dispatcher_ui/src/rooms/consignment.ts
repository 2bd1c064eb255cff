/** One consignment with its whole story: custody, proofs with their pictures, parcels, the map. */

import { get, isCustomer, isOneOf, send } from "../api";
import type { LonLat } from "../frames";
import { t } from "../language";
import { whoIs } from "../names";
import { fleet } from "../live";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { edit } from "../parts/edit";
import { formDialog } from "../parts/form";
import { showPresence } from "../parts/presence";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { today } from "../clock";
import { translated } from "../server_words";
import { dateTime, kilograms, momentOf, money, span, words } from "../values";
import { pin } from "./orders";
import type { ConsignmentDetail, Place, Proof, StoryEntry, Task } from "./order_records";

export async function showConsignment(view: View, id: string): Promise<void> {
  const path = `/api/consignments/${id}`;
  const [{ consignment, story, proofs }, tasks, said] = await Promise.all([
    get<ConsignmentDetail>(path),
    get<Task[]>(`${path}/tasks`).catch((): Task[] => []),
    get<CustomerSaid>(`${path}/customer`).catch(() => undefined),
  ]);
  const placeId = consignment.consignee.place_id;
  const place = placeId ? await get<Place>(`/api/places/${placeId}`).catch(() => undefined) : undefined;
  const failed = tasks.findLast((task) => task.state === "failed" || task.state === "cancelled");
  const urgent = async (): Promise<void> => {
    try {
      const put = await send<{ vehicle_label: string; planned_start_at: string; added_cost_minor: number; late: unknown[] }>("POST", `${path}/urgent`);
      tell(t("{vehicle} does it at {time}; {n} others become late", {
        vehicle: put.vehicle_label, time: dateTime(put.planned_start_at), n: put.late.length,
      }));
      await showRoom();
    } catch (error) {
      tell((error as Error).message);
    }
  };
  /** The driver may say no; without an answer in time it waits in the pool again. */
  const offer = (): unknown => formDialog(t("Offer it to a driver"), {
    note: t("It goes to whoever can do it most cheaply today. Without a yes in time it waits in the pool again."),
    fields: [{ name: "minutes", label: t("Minutes to answer"), kind: "number", required: true, value: 5 }],
    button: t("Offer"),
    submit: async ({ minutes }) => {
      const put = await send<{ vehicle_label: string; planned_start_at: string }>("POST", `${path}/urgent?answer_within_s=${Math.round(Number(minutes) * 60)}`);
      tell(t("Offered to {vehicle}, for {time}", { vehicle: put.vehicle_label, time: dateTime(put.planned_start_at) }));
      await showRoom();
    },
  });
  const share = async (): Promise<void> => {
    const { url } = await send<{ url: string }>("POST", `${path}/tracking-links`, {});
    const links: [string, string][] = [
      [t("Tracking link"), url],
      ...(consignment.state === "delivered" ? [[t("To ask for a return"), `${url}/return`] as [string, string]] : []),
    ];
    openDialog(t("Tracking link"), h("p", {}, t("For the consignee: it shows only this consignment.")),
      ...links.map(([label, value]) => h("p", {}, h("label", {}, label, h("input", { readonly: true, value })))));
  };
  const repeat = (task: Task): unknown => formDialog(t("Try again"), {
    fields: [{ name: "day", label: t("Day"), kind: "date", required: true, value: today() }],
    button: t("Try again"),
    submit: async (values) => {
      await send("POST", `/api/tasks/${task.id}/repeat`, values);
      void showRoom();
    },
  });
  const { order_id: orderId } = consignment;
  view.place.append(
    h("p", {}, orderId
      ? h("a", { href: roomUrl("orders", orderId) }, t("← Its order"))
      : h("a", { href: roomUrl("orders", "consignments") }, t("← Consignments"))),
    h("h2", {}, consignment.waybill, " ", h("span", { class: "pill" }, words(consignment.state))),
    isCustomer() ? "" : showPresence(view, "consignment", id),
    h("p", { class: "buttons" },
      h("a", { class: "main", href: `/api/consignments/labels.pdf?ids=${id}`, target: "_blank" }, t("Labels")),
      h("button", { type: "button", onclick: () => void share() }, t("Tracking link")),
      consignment.state === "delivered" && h("button", { type: "button", onclick: () => sendBack(id) }, t("Send it back")),
      !isCustomer() && h("button", { type: "button", onclick: () => void urgent() }, t("Drive urgently")),
      !isCustomer() && h("button", { type: "button", onclick: () => offer() }, t("Offer to a driver …")),
      !isCustomer() && failed && h("button", { type: "button", onclick: () => repeat(failed) }, t("Try again")),
      isOneOf("admin", "dispatcher") && place && h("button", { type: "button", onclick: () => noteAccess(place) }, t("How to get in")),
      !isCustomer() && place && h("button", { type: "button", onclick: () => void pin(place, () => void showRoom()) }, t("Pin the address")),
    ),
    h("div", { class: "columns" },
      h("section", { class: "card" }, h("h3", {}, t("What and where")), facts([
        [t("Consignee"), `${consignment.consignee.name} ${consignment.consignee.phone ?? ""}`],
        [t("Address"), place?.line || "–"],
        [t("At the door"), place?.access_note || "–"],
        [t("Consignor"), consignment.consignor.name],
        [t("Deliver"), span(consignment.window_start_at, consignment.window_end_at)],
        [t("Cash due"), money(consignment.cash_minor, consignment.currency)],
        [t("Instructions"), consignment.instructions || "–"],
        ...(said ? saidFacts(said) : []),
        ...tasks.map((task): [string, string] => [
          words(task.kind),
          [words(task.state), t("attempt {n}", { n: task.attempt }), nameOf(task.driver_id), task.outcome_code && words(task.outcome_code)].filter(Boolean).join(" · "),
        ]),
      ])),
      await mapOf(view, story, proofs, place?.position ?? null),
    ),
    plainTable(t("Parcels"), [
      { title: t("Barcode"), text: (parcel) => parcel.barcode },
      { title: t("State"), text: (parcel) => words(parcel.state) },
      { title: t("Goods"), text: (parcel) => parcel.description },
      { title: t("Weight"), kind: "number", text: (parcel) => kilograms(parcel.weight_g) },
    ], consignment.parcels),
    h("section", { class: "card" }, h("h3", {}, t("Story")), storyOf(story, proofs)),
  );
}

/** For every driver who comes here. */
function noteAccess({ id, line }: Place): void {
  void edit<Place>({
    title: line, read: () => get<Place>(`/api/places/${id}`), saved: showRoom,
    fields: (now) => [{ name: "access_note", label: t("How to get in"), kind: "textarea", value: now.access_note }],
    save: (typed) => send("PUT", `/api/places/${id}/access-note`, typed),
  });
}

/** All of it, or tell the office which part. */
function sendBack(consignmentId: string): void {
  formDialog(t("Send it back"), {
    note: t("All that was delivered comes back; a courier fetches it in the window you say."),
    fields: [
      { name: "reason", label: t("Reason"), required: true },
      { name: "window_start_at", label: t("From"), kind: "datetime-local", width: "half" },
      { name: "window_end_at", label: t("until"), kind: "datetime-local", width: "half" },
    ],
    button: t("Ask for the return"),
    submit: async ({ reason, window_start_at: from, window_end_at: until }, key) => {
      const made = await send<{ id: string }>("POST", "/api/returns", {
        consignment_id: consignmentId, reason, window_start_at: momentOf(from), window_end_at: momentOf(until),
      }, key);
      go(roomUrl("returns", made.id));
    },
  });
}

/** What the customer behind the tracking link wished, and thought of it. */
interface CustomerSaid {
  wish: { place: string; detail: string; note: string; window: [string, string] | null; wished_at: string } | null;
  stars: number | null;
  comment: string;
}

function saidFacts({ wish, stars, comment }: CustomerSaid): [string, string][] {
  const wished = wish && [words(wish.place), wish.detail, wish.note, wish.window && span(...wish.window), dateTime(wish.wished_at)];
  return [
    ...(wished ? [[t("The customer wishes"), wished.filter(Boolean).join(" · ")] as [string, string]] : []),
    ...(stars ? [[t("Rated"), `${"★".repeat(stars)}${"☆".repeat(5 - stars)} ${comment}`] as [string, string]] : []),
  ];
}

function nameOf(driverId: string | null | undefined): string {
  if (!driverId) return "";
  return fleet.nameOf(driverId) ?? t("a driver");
}

async function mapOf(
  view: View,
  story: StoryEntry[],
  proofs: Proof[],
  door: LonLat | null,
): Promise<HTMLElement> {
  const { PointMap } = await import("../parts/point_map");
  const map = new PointMap();
  view.signal.addEventListener("abort", () => map.close());
  const events = story.flatMap(({ position }, index) =>
    position ? [{ at: position, label: String(index + 1), colour: "#5b6b7d" }] : []);
  const proven = proofs.flatMap(({ position, kind }) =>
    position ? [{ at: position, label: kind, colour: "#188754" }] : []);
  const home = door ? [{ at: door, label: t("Door"), colour: "#0b5cad" }] : [];
  map.show([...home, ...events, ...proven]);
  return map.element;
}

function storyOf(story: StoryEntry[], proofs: Proof[]): HTMLElement {
  const shown = new Set<string>();
  const lines = story.map((entry) => {
    const proof = proofs.find((each) => each.id === entry.proof_id && !shown.has(each.id));
    if (proof) shown.add(proof.id);
    const late = Date.parse(entry.received_at) - Date.parse(entry.occurred_at) > 60_000;
    const aside = [
      nameOf(entry.driver_id) || whoIs(entry.by),
      entry.outcome_code && words(entry.outcome_code),
      entry.barcodes?.join(", "),
      entry.reason && translated(entry.reason),
      late && t("heard of at {time}", { time: dateTime(entry.received_at) }),
      entry.conflicting && t("contradicts what was known"),
    ];
    return h("li", {},
      h("time", { datetime: entry.occurred_at }, dateTime(entry.occurred_at)),
      h("div", {}, h("p", { class: entry.conflicting ? "bad" : "" }, words(entry.state)),
        h("p", { class: "aside" }, aside.filter(Boolean).join(" · ")),
        proof && proofOf(proof)));
  });
  const rest = proofs.filter((proof) => !shown.has(proof.id)).map((proof) =>
    h("li", {}, h("time", { datetime: proof.occurred_at }, dateTime(proof.occurred_at)), proofOf(proof)));
  return h("ol", { class: "story" }, ...lines, ...rest);
}

function proofOf(proof: Proof): HTMLElement {
  const kinds = { POD: t("Proof of delivery"), POC: t("Proof of collection"), POA: t("Proof of an attempt") };
  const told = [
    kinds[proof.kind],
    proof.recipient_name && t("taken by {name}", { name: proof.recipient_name }),
    proof.pin_matched !== null && (proof.pin_matched ? t("PIN right") : t("PIN wrong")),
    proof.scans.length > 0 && t("scanned {codes}", { codes: proof.scans.join(", ") }),
    proof.note,
  ];
  return h("div", {}, h("p", {}, told.filter(Boolean).join(" · ")),
    h("div", { class: "proofs" }, ...proof.files.map((file) => {
      const source = `/api/proofs/${proof.id}/blobs/${file.sha256}`;
      return h("a", { href: source, target: "_blank" }, h("img", { src: source, loading: "lazy", alt: words(file.kind) }));
    })));
}
