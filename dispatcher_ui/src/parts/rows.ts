/** Some rows of a form that are filled in one by one, such as the bands of a price list. For the
 * form the whole table is one value: what others changed in it is merged as one. */

import { t } from "../language";
import { h } from "../page";

export interface RowColumn {
  name: string;
  label: string;
  kind?: "text" | "number" | "time" | "select";
  /** Of a select; a value that is none of them is shown as it is. */
  options?: [value: string, label: string][];
  /** Of a row that is added. */
  first?: string;
}

export type Row = Record<string, string>;

export const readRows = (value: string | undefined): Row[] => JSON.parse(value || "[]") as Row[];
export const writeRows = (rows: Row[]): string => JSON.stringify(rows);

/** The table with the hidden control that bears its value; what rows hold beside the columns stays. */
export function makeRows(name: string, label: string, columns: RowColumn[], value: string): HTMLElement[] {
  const control = h("input", { type: "hidden", name, value });
  const body = h("tbody");
  const table = h("table", { "aria-label": label },
    h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column.label)), h("td"))), body);
  const scroll = h("div", { class: "scroll" }, table);
  const keep = (rows: Row[]): void => {
    control.value = writeRows(rows);
    control.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const change = (index: number, column: string, typed: string): void => {
    const rows = readRows(control.value);
    const row = rows[index];
    if (row) row[column] = typed.trim();
    keep(rows);
  };
  const draw = (): void => {
    const rows = readRows(control.value);
    scroll.hidden = rows.length === 0;
    body.replaceChildren(...rows.map((row, index) => h("tr", {},
      ...columns.map((column) => h("td", {}, cell(column, row[column.name] ?? "", index, change))),
      h("td", {}, h("button", {
        type: "button", "aria-label": t("Remove row {n}", { n: index + 1 }),
        onclick: () => {
          keep(readRows(control.value).filter((_, each) => each !== index));
          draw();
          add.focus();
        },
      }, "×")))));
  };
  const add = h("button", {
    type: "button",
    onclick: () => {
      keep([...readRows(control.value), Object.fromEntries(columns.map((column) => [column.name, column.first ?? ""]))]);
      draw();
      body.lastElementChild?.querySelector<HTMLElement>("input, select")?.focus();
    },
  }, t("Add a row"));
  control.addEventListener("change", draw); // by who merges what others did
  draw();
  return [scroll, h("p", { class: "buttons" }, add), control];
}

function cell(
  { name, label, kind = "text", options = [] }: RowColumn, value: string, index: number,
  change: (index: number, column: string, typed: string) => void,
): HTMLElement {
  const attributes = {
    "aria-label": t("{label}, row {n}", { label, n: index + 1 }),
    oninput: (event: Event) => change(index, name, (event.target as HTMLInputElement).value),
  };
  if (kind === "select") {
    const all = options.some(([each]) => each === value) ? options : [...options, [value, value] as [string, string]];
    return h("select", attributes, ...all.map(([each, words]) => h("option", { value: each, selected: each === value }, words)));
  }
  return h("input", {
    ...attributes, value, type: kind === "time" ? "time" : "text", inputmode: kind === "number" ? "decimal" : false, autocomplete: "off",
  });
}
