/** One driver: messages both ways, phones and trackers with when they were last heard, pay. */

import { get, getAll, send } from "../api";
import { nowMs } from "../clock";
import { t } from "../language";
import { whoIs } from "../names";
import { chooseDriver } from "../live";
import { h, say } from "../page";
import { openDialog } from "../parts/dialog";
import { button, cardOf, edit, yesNo } from "../parts/edit";
import { formDialog, makeForm } from "../parts/form";
import { qrSvg } from "../parts/qr";
import { facts, plainTable } from "../parts/table";
import { go, showRoom } from "../router";
import { roomUrl, type View } from "../rooms";
import { clockTime, dateTime, duration, minorOf, money } from "../values";
import type { Depot, Driver } from "./plan_records";

interface Device { id: string; model: string; is_tracker: boolean; paired_at: string; last_seen_at: string; revoked_at: string | null }
interface Message { id: string; by_driver: boolean; text: string; said_at: string; said_by: string }
interface Adjustment { id: string; amount_minor: number; currency: string; reason: string; occurred_at: string }
interface Tracker { device_id: string; token: string; owntracks_url: string; osmand_url: string }
interface ExpectedCash { currency: string; expected_minor: number }

const LOOK_MS = 4_000;
const MESSAGES = 50;
const toList = (typed: string | undefined): string[] => (typed ?? "").split(/[\s,]+/).filter(Boolean);

export async function showDriver(view: View, id: string): Promise<void> {
  const path = `/api/drivers/${id}`;
  const [drivers, depots, devices, pay, cash] = await Promise.all([
    get<Driver[]>("/api/drivers"), get<Depot[]>("/api/depots"), getAll<Device>("/api/devices", { driver_id: id }).catch((): Device[] => []),
    getAll<Adjustment>(`${path}/pay-adjustments`).catch((): Adjustment[] => []),
    get<ExpectedCash[]>(`/api/cash/drivers/${id}`).catch((): ExpectedCash[] => []),
  ]);
  const driver = drivers.find((each) => each.id === id);
  if (!driver) throw new Error(t("There is no such driver."));
  const inUse = devices.filter((each) => each.revoked_at === null);
  const change = (): Promise<unknown> => edit<Driver>({
    title: driver.name,
    read: async () => (await get<Driver[]>("/api/drivers")).find((each) => each.id === id) ?? driver,
    fields: (now) => [
      { name: "skills", label: t("Can"), value: now.skills.join(" "), hint: t("Such as adr or fridge, with spaces between") },
      { name: "active", label: t("At work for us"), kind: "select", value: String(now.active), options: yesNo() },
    ],
    save: ({ skills, active }) => send("PATCH", path, { skills: toList(skills), active: active === "true" }),
    saved: showRoom,
  });
  view.place.append(
    h("p", {}, h("a", { href: roomUrl("people") }, t("← Drivers"))),
    h("h2", {}, driver.name, " ", h("span", { class: "pill" }, driver.active ? t("Active") : t("Gone"))),
    h("p", { class: "buttons" },
      button(t("Pair a phone"), () => pair(driver), "main"),
      button(t("Add a tracker"), () => addTracker(driver)),
      button(t("Follow on the map"), () => {
        go(roomUrl());
        chooseDriver(id);
      }),
      h("a", { href: `${roomUrl("day")}?driver=${id}` }, t("Trail of the day")),
      button(t("Change"), change)),
    h("div", { class: "columns" },
      await messagesOf(view, path),
      h("div", { class: "stack" },
        cardOf(t("What is known"), [], facts([
          [t("Depot"), depots.find((each) => each.id === driver.depot_id)?.name ?? "–"],
          [t("Can"), driver.skills.join(", ") || "–"],
          [t("Cash to hand in"), cash.map((each) => money(each.expected_minor, each.currency)).join(", ") || "–"],
        ])),
        devicesOf(inUse),
        cardOf(t("Pay beside the rules"), [button(t("Bonus or deduction"), () => adjust(path))],
          pay.length > 0 ? plainTable(t("Pay beside the rules"), [
            { title: t("When"), text: (each) => dateTime(each.occurred_at) },
            { title: t("Reason"), text: (each) => each.reason },
            { title: t("Amount"), kind: "number", text: (each) => money(each.amount_minor, each.currency) },
          ], pay) : h("p", { class: "hint" }, t("Nothing so far."))))),
  );
}

function devicesOf(devices: Device[]): HTMLElement {
  const heard = (each: Device): HTMLElement => {
    // When a phone was heard is real time, also in a demo whose day runs faster.
    const silentS = Math.max(0, (Date.now() - Date.parse(each.last_seen_at)) / 1000);
    const revoke = (): unknown => formDialog(t("Disconnect {model}?", { model: each.model || t("Phone") }), {
      note: each.is_tracker
        ? t("It is not heard again.")
        : t("It hands in what it has not sent yet and empties itself. What it says to have happened from now on waits for you to decide."),
      fields: [], button: t("Disconnect"),
      submit: async () => {
        await send("DELETE", `/api/devices/${each.id}`);
        void showRoom();
      },
    });
    return h("li", {},
      h("span", {}, each.is_tracker ? t("Tracker") : t("Phone")),
      h("div", {}, h("p", {}, each.model || "–"),
        h("p", { class: "aside" }, t("last heard {ago} ago ({time})", { ago: duration(silentS), time: dateTime(each.last_seen_at) }))),
      button(t("Disconnect"), revoke));
  };
  return cardOf(t("Phones and trackers"), [],
    devices.length > 0 ? h("ul", { class: "story with-buttons" }, ...devices.map(heard)) : h("p", { class: "hint" }, t("None is paired.")));
}

/** Read every few seconds: what the driver answers appears by itself. */
async function messagesOf(view: View, path: string): Promise<HTMLElement> {
  const list = h("ol", { class: "messages", tabindex: "0", "aria-label": t("Messages"), "aria-live": "polite" });
  let known = "";
  const read = async (): Promise<void> => {
    const { items } = await get<{ items: Message[] }>(`${path}/messages`, { limit: MESSAGES });
    if (view.signal.aborted || (items[0]?.id ?? "none") === known) return;
    known = items[0]?.id ?? "none";
    list.replaceChildren(...(items.length === 0 ? [h("li", { class: "hint" }, t("Nobody has written yet."))] : items.reverse().map((each) =>
      h("li", { class: each.by_driver ? "theirs" : "ours" }, h("p", {}, each.text),
        h("small", {}, `${each.by_driver ? t("Driver") : whoIs(each.said_by)} · ${clockTime(each.said_at)}`)))));
    list.scrollTop = list.scrollHeight;
  };
  const form = makeForm({
    fields: [{ name: "text", label: t("Message"), kind: "textarea", required: true }],
    keep: `message ${path}`,
    button: t("Send (Ctrl Enter)"),
    submit: async (values) => {
      await send("POST", `${path}/messages`, values);
      form.reset();
      await read();
    },
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  await read();
  const timer = setInterval(() => void read().catch(() => undefined), LOOK_MS); // asked again
  view.signal.addEventListener("abort", () => clearInterval(timer));
  return cardOf(t("Messages"), [], list, form);
}

/** The code as a picture for the phone's camera, and in letters for typing. */
async function pair(driver: Driver): Promise<void> {
  const made = await send<{ code: string; link_code: string; expires_at: string }>("POST", `/api/drivers/${driver.id}/pairing-codes`);
  const { code, link_code: linkCode, expires_at: until } = made;
  const picture = qrSvg(`${location.origin}/pair#${linkCode}`);
  picture.classList.add("qr");
  picture.setAttribute("aria-label", t("The pairing code as a QR code"));
  openDialog(
    t("Pair the phone of {name}", { name: driver.name }),
    h("p", {}, t("Scan this with the driver's phone, or type the code there.")),
    picture,
    h("p", { class: "pin-code" }, code),
    h("p", { class: "hint" }, t("It works once, until {time}.", { time: clockTime(until) })),
  );
}

/** Its secrets are told this once. */
function addTracker(driver: Driver): void {
  formDialog(t("Add a tracker"), {
    note: t("Another app or device that says where {name} is: OwnTracks, or what speaks the OsmAnd protocol.", { name: driver.name }),
    fields: [{ name: "model", label: t("What it is"), required: true, hint: t("To be known again in the list of devices") }],
    button: t("Add"),
    submit: async (values) => {
      const made = await send<Tracker>("POST", `/api/drivers/${driver.id}/trackers`, values);
      setTimeout(() => openDialog(t("To type into the tracker, shown this once"), facts([
        [t("OwnTracks: address"), copyable(made.owntracks_url)],
        [t("OwnTracks: user"), copyable(made.device_id)],
        [t("OwnTracks: password"), copyable(made.token)],
        [t("OsmAnd, Traccar Client: address"), copyable(made.osmand_url)],
        [t("OsmAnd, Traccar Client: identifier"), copyable(made.token)],
      ])).addEventListener("close", () => void showRoom()));
    },
  });
}

function copyable(text: string): HTMLElement {
  const copy = h("button", { type: "button" }, t("Copy"));
  copy.onclick = () => void navigator.clipboard?.writeText(text).then(() => say(copy, t("Copied")));
  return h("span", { class: "copyable" }, h("code", {}, text), copy);
}

function adjust(path: string): void {
  formDialog(t("Bonus or deduction"), {
    note: t("It stands in the next settlement. A deduction begins with a minus."),
    fields: [
      { name: "amount", label: t("Amount"), kind: "number", required: true, width: "half" },
      { name: "currency", label: t("Currency"), required: true, value: "EUR", width: "half" },
      { name: "reason", label: t("Reason"), required: true },
    ],
    button: t("Add"),
    submit: async ({ amount = "", currency = "EUR", reason }) => {
      await send("POST", `${path}/pay-adjustments`, {
        amount_minor: minorOf(amount, currency), currency: currency.toUpperCase(), reason, occurred_at: new Date(nowMs()).toISOString(),
      });
      void showRoom();
    },
  });
}
