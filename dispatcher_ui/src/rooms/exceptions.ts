/** The inbox of what a person must settle, each with what to do next. */

import { get, getAll, getMe, send, type Role } from "../api";
import { t } from "../language";
import { whoIs } from "../names";
import { chooseDriver, fleet } from "../live";
import { exceptionWords } from "../live_words";
import { h, tell } from "../page";
import { detailPairs, type Details } from "../parts/details";
import { openDialog } from "../parts/dialog";
import { formDialog } from "../parts/form";
import { showListing } from "../parts/listing";
import { showPresence } from "../parts/presence";
import { facts } from "../parts/table";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { nowMs, today } from "../clock";
import { date, dateTime, words } from "../values";
import { claimsOf, decide } from "./old_phone";
import type { Task } from "./order_records";

interface Exception {
  id: string;
  kind: string;
  pattern: string;
  advice: string;
  waybill: string | null;
  address: string | null;
  task_id: string | null;
  consignment_id: string | null;
  run_id: string | null;
  driver_id: string | null;
  details: Details;
  raised_at: string;
  assigned_to: string | null;
  assigned_name: string | null;
  snoozed_until: string | null;
  settled_at: string | null;
  settled_by: string | null;
  settled_note: string | null;
}

interface Person {
  id: string;
  name: string;
  role: Role;
  active: boolean;
}

/** The hours for which something may wait; 0 until the next morning. */
const WAITS: [hours: string, label: string][] = [["1", "1 hour"], ["4", "4 hours"], ["0", "Until tomorrow, 7:00"], ["72", "3 days"]];

/** News mostly comes in twos and threes. */
const GATHER_MS = 1_000;

export async function open(view: View): Promise<void> {
  const place = view.place;
  const [me, people] = await Promise.all([getMe(), getAll<Person>("/api/people", { limit: 200 })]);
  const dispatchers = people.filter(({ role, active }) => active && (role === "admin" || role === "dispatcher"));
  const mine = me.person.id;
  const isOpen = (each: Exception): boolean => each.settled_at === null;
  const assign = (each: Exception, personId: string | null): Promise<unknown> =>
    send("POST", `/api/exceptions/${each.id}/assign`, { person_id: personId });
  const reload = showListing<Exception>(view, place, {
    label: t("Exceptions"),
    path: "/api/exceptions",
    keyOf: (each) => each.id,
    filters: [{ name: "which", label: t("Which"), kind: "select", options: [["", t("To settle")], ["mine", t("Mine")], ["snoozed", t("Put off")], ["settled", t("Settled")]] }],
    ask: ({ which }) => ({
      settled: String(which === "settled"), snoozed: String(which === "snoozed"), assigned_to: which === "mine" ? mine : "",
    }),
    columns: [
      { title: t("When"), text: (each) => dateTime(each.raised_at), by: (each) => each.raised_at },
      { title: t("What"), text: (each) => words(each.kind) },
      { title: t("Where"), text: (each) => each.address ?? "" },
      { title: t("Consignment"), text: (each) => each.waybill ?? "" },
      { title: t("Driver"), text: (each) => nameOf(each.driver_id) },
      { title: t("What to do"), text: (each) => t(each.advice) },
      { title: t("Looked after by"), text: (each) => each.assigned_name ?? "" },
      { title: t("Put off until"), text: (each) => (each.snoozed_until ? dateTime(each.snoozed_until) : ""), by: (each) => each.snoozed_until ?? "" },
    ],
    open: (each) => void show(each, () => void reload()),
    actions: [
      { label: t("Settle"), fields: [{ name: "note", label: t("What was done") }], isFor: isOpen, act: (each, values) => send("POST", `/api/exceptions/${each.id}/settle`, values) },
      { label: t("Take it"), isFor: isOpen, act: (each) => assign(each, mine) },
      {
        label: t("Give to"), isFor: isOpen, act: (each, { person_id }) => assign(each, person_id || null),
        fields: [{ name: "person_id", label: t("Who looks after it"), kind: "select", options: [["", t("Nobody in particular")], ...dispatchers.map(({ id, name }): [string, string] => [id, name])] }],
      },
      {
        label: t("Put off"), isFor: isOpen,
        fields: [{ name: "hours", label: t("For how long"), kind: "select", options: WAITS.map(([hours, label]) => [hours, t(label)]) }],
        act: (each, { hours }) => send("POST", `/api/exceptions/${each.id}/snooze`, { until: momentAfter(Number(hours)) }),
      },
      { label: t("See it again"), isFor: (each) => each.snoozed_until !== null, act: (each) => send("POST", `/api/exceptions/${each.id}/snooze`, { until: null }) },
    ],
    empty: t("Nothing waits for you."),
  });
  let isComing: ReturnType<typeof setTimeout> | undefined;
  fleet.onExceptions = () => {
    isComing ??= setTimeout(() => {
      isComing = undefined;
      // Whoever has chosen some or looks at one is not disturbed.
      if (!document.querySelector("dialog[open], .chosen-bar:not([hidden])")) void reload();
    }, GATHER_MS);
  };
  view.signal.addEventListener("abort", () => {
    clearTimeout(isComing);
    fleet.onExceptions = undefined;
  });
}

/** hours: 0 for seven o'clock tomorrow. */
function momentAfter(hours: number): string {
  if (hours > 0) return new Date(nowMs() + hours * 3_600_000).toISOString();
  const morning = new Date(nowMs());
  morning.setDate(morning.getDate() + 1);
  morning.setHours(7, 0, 0, 0);
  return morning.toISOString();
}

const nameOf = (driverId: string | null): string =>
  driverId ? (fleet.nameOf(driverId) ?? whoIs(`driver:${driverId}`)) : "";

async function show(each: Exception, done: () => void): Promise<void> {
  const tasks = each.consignment_id
    ? await get<Task[]>(`/api/consignments/${each.consignment_id}/tasks`).catch((): Task[] => [])
    : [];
  const task = tasks.find(({ id }) => id === each.task_id);
  const leave = (act: () => void) => (): void => {
    dialog.close();
    act();
  };
  const button = (label: string, act: () => void, kind = ""): HTMLElement =>
    h("button", { type: "button", class: kind, onclick: leave(act) }, label);
  const { consignment_id: consignmentId, driver_id: driverId, run_id: runId } = each;
  const oldPhone = each.kind === "work_of_old_phone" && each.settled_at === null ? String(each.details["device_id"]) : "";
  const claims = oldPhone ? await claimsOf(oldPhone).catch((error: Error) => h("p", { class: "notice" }, error.message)) : h("div");
  const closed = new AbortController();
  const dialog = openDialog(
    exceptionWords(each),
    h("p", {}, t(each.advice)),
    showPresence(closed, "exception", each.id),
    facts([
      [t("When"), dateTime(each.raised_at)],
      [t("Where"), each.address ?? "–"],
      [t("Consignment"), each.waybill ?? "–"],
      [t("Driver"), nameOf(driverId) || "–"],
      ...(task ? [[t("Task"), `${words(task.kind)} · ${words(task.state)}`] as [string, string]] : []),
      ...(each.assigned_name ? [[t("Looked after by"), each.assigned_name] as [string, string]] : []),
      ...detailPairs(notToldYet(each)),
      ...(each.settled_at ? [[t("Settled by"), [whoIs(each.settled_by), each.settled_note && t(each.settled_note)].filter(Boolean).join(" · ")] as [string, string]] : []),
    ]),
    receiptsOf(each),
    claims,
    h("p", { class: "buttons" },
      each.settled_at === null && button(t("Settle"), () => settle(each, done), "main"),
      consignmentId && button(t("Open the consignment"), () => go(roomUrl("orders", "consignments", consignmentId))),
      driverId && button(t("Write to the driver"), () => go(roomUrl("people", "drivers", driverId))),
      driverId && button(t("Follow the driver"), () => {
        go(roomUrl());
        chooseDriver(driverId);
      }),
      runId && button(t("Open the run"), () => go(roomUrl("plan", "runs", runId))),
      oldPhone && button(t("Take it in"), () => decide(oldPhone, "take", done)),
      oldPhone && button(t("Believe none of it"), () => decide(oldPhone, "drop", done)),
      task?.state === "failed" && button(t("Try again"), () => repeat(task, each, done)),
    ),
  );
  dialog.addEventListener("close", () => closed.abort());
}

/** Shown as pictures, in the sentence, or with the amount that they belong to. */
const TOLD_OTHERWISE = ["receipts", "small_receipts", "variant", "cost", "amount_minor"];

/** What neither the sentence nor anything else of the window says. */
const notToldYet = ({ pattern, details }: Exception): Details =>
  Object.fromEntries(Object.entries(details).filter(([name]) => !TOLD_OTHERWISE.includes(name) && !pattern.includes(`{${name}}`)));

/** The pictures that the driver took of what was paid. */
function receiptsOf({ id, details }: Exception): HTMLElement {
  const receipts = Array.isArray(details["receipts"]) ? (details["receipts"] as string[]) : [];
  return h("div", { class: "proofs" }, ...receipts.map((sha256) => {
    const source = `/api/exceptions/${id}/receipts/${sha256}`;
    return h("a", { href: source, target: "_blank" }, h("img", { src: source, loading: "lazy", alt: t("Picture of the receipt") }));
  }));
}

function settle(each: Exception, done: () => void): void {
  formDialog(t("Settle"), {
    fields: [{ name: "note", label: t("What was done"), kind: "textarea" }],
    button: t("Settle"),
    submit: async (values) => {
      await send("POST", `/api/exceptions/${each.id}/settle`, values);
      done();
    },
  }, t("Settled"));
}

function repeat(task: Task, each: Exception, done: () => void): void {
  formDialog(t("Try again"), {
    fields: [{ name: "day", label: t("Day"), kind: "date", required: true, value: today() }],
    button: t("Try again"),
    submit: async ({ day }) => {
      await send("POST", `/api/tasks/${task.id}/repeat`, { day });
      if (each.settled_at === null) {
        await send("POST", `/api/exceptions/${each.id}/settle`, { note: t("To be tried again on {day}", { day: date(day) }) });
      }
      tell(t("It waits in the pool of {day}", { day: date(day) }));
      done();
    },
  });
}
