/** A list of things from the server: filters kept in the URL, saved views, a table, new ones, and
 * actions on many with a result for each. */

import { get, type Page } from "../api";
import { t } from "../language";
import { h, keepFocus, say, tell } from "../page";
import { noteQuery } from "../router";
import type { View } from "../rooms";
import { count } from "../values";
import { formDialog, makeField, valuesOf, type Field, type FormSpec } from "./form";
import { VirtualTable, type Column, type IsShown } from "./table";

export interface Action<Row> {
  label: string;
  /** Asked for once before the action is done on every chosen row. */
  fields?: Field[];
  act: (row: Row, values: Record<string, string>) => Promise<unknown>;
  isFor?: (row: Row) => boolean;
  /** Takes it back; row: as it was before. */
  undo?: (row: Row) => Promise<unknown>;
}

export interface Listing<Row> {
  label: string;
  path: string;
  query?: Record<string, string>;
  filters?: Field[];
  /** What to ask the server for, when that is not what the filters say word for word. */
  ask?: (filters: Record<string, string>) => Record<string, string>;
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
  open?: (row: Row) => void;
  actions?: Action<Row>[];
  create?: { label: string; form: () => FormSpec | Promise<FormSpec> };
  extra?: Node[];
  empty: string;
  sorted?: { title: string; descending: boolean };
  /** Narrows what has come, for what the server has no filter for. */
  isShown?: (row: Row, filters: Record<string, string>) => boolean;
  /** What the server looks for words in: with it a list that has come whole is narrowed here. */
  searchText?: (row: Row) => string;
}

/** So many rows are read to be sorted; who has more narrows the list first. */
const SORTED_MAX = 100_000;

const PAGE_ROWS = 200;
const QUIET_MS = 200;

/** Puts the list into a place; answers how to read it again. */
export function showListing<Row>(view: View, place: HTMLElement, listing: Listing<Row>): () => Promise<void> {
  let rows: Row[] = [];
  let next: string | null = null;
  let isLoading = false;
  let asked = 0;
  /** Whether every row is here, so that the server need not be asked which to show. */
  let isWhole = false;
  /** What to look for words in, of each row; made when somebody has time or asks. */
  let texts: string[] = [];
  const filters = h("form", { class: "filters", role: "search", "aria-label": t("Filters") },
    ...(listing.filters ?? []).map((field) =>
      makeField({ ...field, value: view.query.get(field.name) ?? field.value ?? "" })),
  );
  const told = h("p", { class: "told", role: "status" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const bar = h("div", { class: "chosen-bar", role: "toolbar", "aria-label": t("For the chosen"), hidden: true });
  const table = new VirtualTable<Row>({
    label: listing.label,
    columns: listing.columns,
    keyOf: listing.keyOf,
    reachEnd: () => void loadMore(),
    beforeSort: () => loadRest(),
    ...(listing.open && { open: listing.open }),
    ...(listing.sorted && { sorted: listing.sorted }),
    ...(listing.actions && { choose: (keys: Set<string>) => showBar(keys) }),
  });

  const typed = (): Record<string, string> => valuesOf(filters);
  const load = async (after: string | null, isRest = false): Promise<void> => {
    const number = ++asked;
    isLoading = true;
    notice.hidden = true;
    try {
      const sent = listing.isShown ? {} : (listing.ask?.(typed()) ?? typed());
      const page: Page<Row> | Row[] = await get(listing.path, {
        ...listing.query, ...sent, ...(takesPages(listing.path) ? { limit: PAGE_ROWS, after } : {}),
      });
      if (number !== asked || view.signal.aborted) return;
      const come = Array.isArray(page) ? page : page.items;
      if (after === null) rows = [];
      rows.push(...come);
      next = Array.isArray(page) ? null : (page.next ?? null);
      isWhole = next === null && Object.values(sent).every((value) => !value);
      if (isWhole) {
        texts = [];
        prepareTexts(0);
      }
    } catch (error) {
      if (number !== asked) return;
      say(notice, (error as Error).message);
      notice.hidden = false;
      next = null;
    } finally {
      if (number === asked) isLoading = false;
    }
    if (isRest) say(told, t("Reading all of them to sort: {n} so far …", { n: count(rows.length) }));
    else show();
  };
  const loadMore = async (): Promise<void> => {
    if (next !== null && !isLoading) await load(next);
  };
  const loadRest = async (): Promise<void> => {
    if (next === null) return;
    while (next !== null && rows.length < SORTED_MAX && !view.signal.aborted) await load(next, true);
    show();
    if (next !== null) {
      say(notice, t("Only the newest {n} are sorted: narrow the list to sort all.", { n: count(rows.length) }));
      notice.hidden = false;
    }
  };
  const textOf = (row: Row, index: number): string =>
    (texts[index] ??= listing.searchText?.(row).toLocaleLowerCase() ?? "");
  const prepareTexts = (from: number): void => {
    const known = texts;
    requestIdleCallback((idle) => {
      let index = from;
      for (; index < rows.length && known === texts && idle.timeRemaining() > 2; index += 1) {
        textOf(rows[index] as Row, index);
      }
      if (index < rows.length && known === texts && !view.signal.aborted) prepareTexts(index);
    });
  };
  /** Which rows are to be shown of those that are here; undefined: all. */
  const choice = (): IsShown<Row> | undefined => {
    const values = typed();
    if (listing.isShown) return (row) => listing.isShown?.(row, values) ?? true;
    if (!isWhole || !listing.searchText || Object.values(values).every((value) => !value)) return undefined;
    const words = (values["text"] ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const others = Object.entries(values).filter(([name, value]) => name !== "text" && value);
    return (row, index) => words.every((word) => textOf(row, index).includes(word)) &&
      others.every(([name, value]) => String((row as Record<string, unknown>)[name] ?? "") === value);
  };
  const show = (): void => {
    table.set(rows, choice());
    tellCount();
  };
  const tellCount = (): void => {
    const shown = table.shownCount;
    const more = next === null ? "" : t(" – more come as you scroll");
    say(told, shown === 0 ? listing.empty : t("{n} in the list", { n: count(shown) }) + more);
    table.element.hidden = shown === 0;
  };
  const showBar = (keys: Set<string>): void => {
    bar.hidden = keys.size === 0;
    bar.replaceChildren(
      h("strong", {}, t("{n} chosen", { n: keys.size })),
      ...(listing.actions ?? []).map((action) =>
        h("button", { type: "button", onclick: () => start(action) }, action.label)),
      h("button", { type: "button", onclick: () => table.clearChoice() }, t("Choose none")),
    );
  };
  const start = (action: Action<Row>): void => {
    if (!action.fields) return void run(action, {});
    const submit = (values: Record<string, string>): Promise<void> => run(action, values);
    formDialog(action.label, { fields: action.fields, button: action.label, submit });
  };
  const run = async (action: Action<Row>, values: Record<string, string>): Promise<void> => {
    const done: Row[] = [];
    const chosen = rows.filter((row) => table.chosen.has(listing.keyOf(row)));
    for (const row of chosen) {
      const key = listing.keyOf(row);
      if (action.isFor && !action.isFor(row)) {
        table.tellResult(key, t("not possible in its state"));
        continue;
      }
      try {
        await action.act(row, values);
        done.push(row);
        table.tellResult(key, t("done"));
      } catch (error) {
        table.tellResult(key, (error as Error).message);
      }
    }
    table.clearChoice();
    await load(null);
    say(told, t("{label}: {done} of {all} done; each row says what became of it", {
      label: action.label, done: done.length, all: chosen.length,
    }));
    offerUndo(action, done);
    keepFocus();
  };
  const offerUndo = ({ label, undo }: Action<Row>, done: Row[]): void => {
    if (!undo || done.length === 0) return;
    const takeBack = async (): Promise<void> => {
      for (const row of done) {
        await undo(row).catch((error: Error) => table.tellResult(listing.keyOf(row), error.message));
      }
      await load(null);
    };
    tell(t("{label}: {n} done", { label, n: done.length }), { label: t("Undo"), act: () => void takeBack() });
  };
  let quiet: ReturnType<typeof setTimeout>;
  filters.oninput = () => {
    clearTimeout(quiet);
    const isHere = listing.isShown !== undefined || (isWhole && listing.searchText !== undefined);
    if (isHere) {
      table.narrow(choice());
      tellCount();
    }
    quiet = setTimeout(() => {
      for (const [name, value] of Object.entries(typed())) {
        if (value) view.query.set(name, value);
        else view.query.delete(name);
      }
      noteQuery(view.query);
      if (!isHere) void load(null);
    }, QUIET_MS);
  };
  filters.onsubmit = (event) => event.preventDefault();

  const { create } = listing;
  const tools = h("div", { class: "tools" },
    listing.filters ? filters : null,
    listing.filters ? savedViews(listing.label, filters) : null,
    ...(listing.extra ?? []),
    create && h("button", {
      type: "button", class: "main",
      onclick: async () => {
        const spec = await create.form();
        formDialog(create.label, {
          ...spec,
          keep: `${listing.label}: ${create.label}`,
          submit: async (values, key) => {
            await spec.submit(values, key);
            void load(null);
          },
        });
      },
    }, create.label),
  );
  place.append(tools, notice, told, bar, table.element);
  const reload = (): Promise<void> => load(null);
  void reload();
  return reload;
}

/** Views that this person has named; kept in this browser. */
function savedViews(label: string, filters: HTMLFormElement): HTMLElement {
  const key = `views:${label}`;
  const saved = JSON.parse(localStorage.getItem(key) ?? "{}") as Record<string, Record<string, string>>;
  const select = h("select", { "aria-label": t("Saved views") });
  const fill = (chosen: string): void => {
    select.replaceChildren(
      h("option", { value: "" }, t("Views")),
      ...Object.keys(saved).map((name) => h("option", { value: `=${name}`, selected: name === chosen }, name)),
      h("option", { value: "+" }, t("Save this view …")),
      ...(chosen ? [h("option", { value: "-" }, t("Forget “{name}”", { name: chosen }))] : []),
    );
  };
  let current = "";
  fill(current);
  select.onchange = () => {
    const { value } = select;
    if (value === "+") {
      fill(current);
      formDialog(t("Save this view"), {
        fields: [{ name: "name", label: t("Name"), required: true }],
        button: t("Save"),
        submit: async ({ name = "" }) => {
          saved[name] = valuesOf(filters);
          keep(name);
        },
      });
    } else if (value === "-") {
      delete saved[current];
      keep("");
    } else {
      current = value.slice(1);
      for (const element of filters.elements) {
        const control = element as HTMLInputElement;
        if (control.name) control.value = saved[current]?.[control.name] ?? "";
      }
      fill(current);
      filters.dispatchEvent(new Event("input"));
    }
  };
  const keep = (name: string): void => {
    localStorage.setItem(key, JSON.stringify(saved));
    current = name;
    fill(name);
  };
  return select;
}

/** These lists come whole: they are short. */
const WHOLE = ["/api/depots", "/api/drivers", "/api/vehicles", "/api/cartons", "/api/service-levels", "/api/return-reasons", "/api/companies", "/api/vat-rates", "/api/import-profiles"];
const takesPages = (path: string): boolean => !WHOLE.includes(path) && !path.endsWith("/pool");

export interface Tab {
  path: string;
  title: string;
  show: (place: HTMLElement) => void | Promise<void>;
}

/** Pages of one room, each with a URL of its own. */
export async function showTabs(view: View, room: string, tabs: Tab[]): Promise<void> {
  const current = tabs.find((tab) => tab.path === (view.segments[0] ?? "")) ?? tabs[0];
  if (current === undefined) return;
  const links = tabs.map((tab) =>
    h("a", {
      href: `/dispatch/${room}${tab.path && `/${tab.path}`}`,
      "aria-current": tab === current ? "page" : false,
    }, tab.title));
  const place = h("section", { class: "page", "aria-label": current.title });
  view.place.append(h("nav", { class: "tabs", "aria-label": t("Pages") }, ...links), place);
  links[tabs.indexOf(current)]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  await current.show(place);
}
