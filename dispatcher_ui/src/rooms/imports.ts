/** Orders from a file: tried first without taking any, then taken; what is wrong stands by row. */

import { get, getAll, isCustomer, queryText, send } from "../api";
import { t, tn } from "../language";
import { whoIs } from "../names";
import { h } from "../page";
import { makeField } from "../parts/form";
import { showListing } from "../parts/listing";
import { plainTable } from "../parts/table";
import type { View } from "../rooms";
import { translated } from "../server_words";
import { count, dateTime, words } from "../values";
import { accountOptions, payingAccounts } from "./orders";

interface Import {
  id: string;
  file_name: string;
  dry_run: boolean;
  state: "queued" | "running" | "done" | "failed";
  error: string | null;
  rows_total: number | null;
  rows_done: number;
  orders_new: number;
  orders_repeated: number;
  rows_bad: number;
  ignored_columns: string[];
  created_at: string;
  created_by: string;
}

interface Problem {
  line: number;
  column: string;
  value: string;
  reason: string;
}

const LOOK_MS = 700;

export async function showImports(view: View, place: HTMLElement): Promise<void> {
  const accounts = accountOptions(await payingAccounts());
  const profilesOf = (account?: string): Promise<{ name: string }[]> =>
    get<{ name: string }[]>("/api/import-profiles", { account }).catch(() => []);
  const profiles = isCustomer() ? await profilesOf() : accounts[0] ? await profilesOf(accounts[0][0]) : [];
  const outcome = h("section", { class: "card", "aria-live": "polite", hidden: true });
  const file = h("input", { type: "file", name: "file", id: "import-file", accept: ".csv,.xlsx,text/csv", required: true });
  const form = h("form", { class: "form" },
    h("div", { class: "field" }, h("label", { for: "import-file" }, t("CSV or Excel file")), file),
    isCustomer() ? null : makeField({ name: "account", label: t("Who pays"), kind: "select", options: accounts, width: "half" }),
    makeField({ name: "profile", label: t("Column names"), kind: "select", width: "half", options: [["", t("Recognise them")], ...profiles.map(({ name }): [string, string] => [name, name])] }),
    h("p", { class: "buttons" }, h("button", { class: "main" }, t("Try it first")),
      h("small", {}, t("Nothing is taken before you have seen what is wrong."))),
  );
  const run = async (dryRun: boolean): Promise<void> => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    const typed = new FormData(form);
    outcome.hidden = false;
    try {
      const query = queryText({
        account: String(typed.get("account") ?? ""), profile: String(typed.get("profile") ?? ""),
        file_name: chosen.name, dry_run: dryRun,
      });
      let state = await send<Import>("POST", `/api/imports${query}`, chosen);
      while ((state.state === "queued" || state.state === "running") && !view.signal.aborted) {
        outcome.replaceChildren(progressOf(state));
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        state = await get<Import>(`/api/imports/${state.id}`);
      }
      outcome.replaceChildren(...(await resultOf(state, () => void run(false))));
      void reload();
    } catch (error) {
      outcome.replaceChildren(h("p", { class: "notice", role: "alert" }, (error as Error).message));
    }
  };
  form.onchange = async (event) => {
    const { name, value } = event.target as HTMLSelectElement;
    if (name !== "account") return;
    const found = await profilesOf(value);
    const choice = form.elements.namedItem("profile") as HTMLSelectElement;
    choice.replaceChildren(h("option", { value: "" }, t("Recognise them")), ...found.map((each) => h("option", { value: each.name }, each.name)));
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    void run(true);
  };
  place.append(h("div", { class: "columns" }, h("section", { class: "card" }, form), outcome));
  const reload = showListing<Import>(view, place, {
    label: t("Imports"),
    path: "/api/imports",
    keyOf: (each) => each.id,
    columns: [
      { title: t("File"), text: (each) => each.file_name },
      { title: t("State"), kind: "state", text: (each) => `${words(each.state)}${each.dry_run ? ` (${t("tried")})` : ""}` },
      { title: t("New orders"), kind: "number", text: (each) => count(each.orders_new), by: (each) => each.orders_new },
      { title: t("Known already"), kind: "number", text: (each) => count(each.orders_repeated), by: (each) => each.orders_repeated },
      { title: t("Bad rows"), kind: "number", text: (each) => count(each.rows_bad), by: (each) => each.rows_bad },
      { title: t("When"), text: (each) => dateTime(each.created_at), by: (each) => each.created_at },
      { title: t("Who"), text: (each) => whoIs(each.created_by) },
    ],
    open: (each) => {
      outcome.hidden = false;
      void resultOf(each).then((parts) => outcome.replaceChildren(...parts));
    },
    empty: t("No file was imported yet."),
  });
}

function progressOf(state: Import): HTMLElement {
  const bar = h("progress", { "aria-label": t("Rows read") });
  if (state.rows_total) {
    bar.max = state.rows_total;
    bar.value = state.rows_done;
  }
  return h("div", {}, h("p", {}, t("Reading {file} …", { file: state.file_name })), bar);
}

async function resultOf(state: Import, takeIt?: () => void): Promise<Node[]> {
  const told = state.error ? translated(state.error) : t("{rows} rows: {fresh} new orders, {known} known already, {bad} bad rows.", {
    rows: state.rows_total ?? state.rows_done, fresh: state.orders_new, known: state.orders_repeated, bad: state.rows_bad,
  });
  const problems = state.rows_bad > 0 ? await getAll<Problem>(`/api/imports/${state.id}/problems`, { limit: 200 }) : [];
  return [
    h("h3", {}, state.file_name),
    h("p", { class: state.error ? "bad" : "" }, told),
    ...(state.ignored_columns.length > 0 ? [h("p", {}, t("Columns not used: {columns}", { columns: state.ignored_columns.join(", ") }))] : []),
    ...(problems.length > 0 ? [
      plainTable(t("What is wrong"), [
        { title: t("Line"), kind: "number", text: (each) => String(each.line) },
        { title: t("Column"), text: (each) => each.column },
        { title: t("Value"), text: (each) => each.value },
        { title: t("What is wrong"), text: (each) => translated(each.reason) },
      ], problems),
      h("p", { class: "buttons" }, h("a", { href: `/api/imports/${state.id}/bad-rows` }, t("Bad rows as CSV"))),
    ] : []),
    ...(state.dry_run && state.state === "done" && takeIt && state.orders_new > 0
      ? [h("p", { class: "buttons" }, h("button", { type: "button", class: "main", onclick: takeIt }, tn(state.orders_new, "Take the order", "Take the {n} orders")))]
      : []),
  ];
}
