/** A table of any length: only the rows in sight are in the document. */

import { t } from "../language";
import { h, say } from "../page";

export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  /** What to sort by, when it is not the text. */
  by?: (row: Row) => string | number;
  kind?: "number" | "state";
  width?: string;
}

export interface TableOptions<Row> {
  label: string;
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
  open?: (row: Row) => void;
  /** Called with the keys of the chosen rows; without it none can be chosen. */
  choose?: (keys: Set<string>) => void;
  /** Called when the end comes into sight. */
  reachEnd?: () => void;
  /** Called before the rows are sorted by a title: gets those that have not come yet. */
  beforeSort?: () => Promise<unknown>;
  sorted?: { title: string; descending: boolean };
}

/** index: the row's place among all. */
export type IsShown<Row> = (row: Row, index: number) => boolean;

const ROW_PX = 36;
/** More rows than that are no paper but a file: lists that long offer CSV or narrow down. */
const PRINTED_MAX = 1_000;
const SPARE_ROWS = 12;

export class VirtualTable<Row> {
  readonly element: HTMLElement;
  readonly chosen = new Set<string>();
  private rows: Row[] = [];
  /** Which of the rows are shown, in their order. */
  private shown = new Uint32Array();
  /** A 1 for each row that is shown; undefined: all are. */
  private isShown: Uint8Array | undefined;
  private sorted: { title: string; descending: boolean } | undefined;
  private focused = 0;
  private isPrinted = false;
  private readonly head = h("tr");
  private readonly above = spacer();
  private readonly below = spacer();
  private readonly body = h("tbody", {}, this.above, this.below);
  /** Those in the document, by their place among the shown. */
  private readonly lines = new Map<number, HTMLTableRowElement>();
  private readonly table: HTMLTableElement;
  private orders = new Orders<Row>([]);
  /** What became of the row in the last action on many. */
  private readonly results = new Map<string, string>();

  constructor(private readonly options: TableOptions<Row>) {
    this.sorted = options.sorted;
    this.table = h("table", { "aria-label": options.label }, h("thead", {}, this.head), this.body);
    this.element = h("div", { class: "grid" }, this.table);
    this.element.addEventListener("scroll", () => this.drawOn(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.drawOn()).observe(this.element);
    TABLES.set(this.element, this);
    this.drawHead();
  }

  /** Paper does not scroll: for it all rows are in the document, up to so many. */
  layOut(isPrinted: boolean): void {
    this.isPrinted = isPrinted;
    this.drawOn();
  }

  /** isShown: which of them; see `narrow`. */
  set(rows: Row[], isShown?: IsShown<Row>): void {
    this.orders.stop();
    this.rows = rows;
    this.orders = new Orders(rows);
    this.orders.prepare(this.options.columns);
    this.narrow(isShown);
  }

  /** Show only some of the rows that are there, in the same order. */
  narrow(isShown: IsShown<Row> | undefined): void {
    this.isShown = undefined;
    if (isShown) {
      const marks = new Uint8Array(this.rows.length);
      this.rows.forEach((row, index) => (marks[index] = isShown(row, index) ? 1 : 0));
      this.isShown = marks;
    }
    this.arrange();
  }

  get shownCount(): number {
    return this.shown.length;
  }

  tellResult(key: string, result: string): void {
    this.results.set(key, result);
    this.draw();
  }

  /** Choose exactly these, such as what was drawn around on a map. */
  choose(keys: Iterable<string>): void {
    this.chosen.clear();
    for (const key of keys) this.chosen.add(key);
    this.options.choose?.(this.chosen);
    this.draw();
  }

  clearChoice(): void {
    this.chosen.clear();
    this.options.choose?.(this.chosen);
    this.draw();
  }

  private arrange(): void {
    const { rows, isShown } = this;
    const column = this.options.columns.find(({ title }) => title === this.sorted?.title);
    const order = column && this.orders.by(column);
    const last = rows.length - 1;
    const shown = new Uint32Array(rows.length);
    let count = 0;
    for (let at = 0; at <= last; at += 1) {
      const index = order ? (order[this.sorted?.descending ? last - at : at] ?? 0) : at;
      if (isShown === undefined || isShown[index] === 1) shown[count++] = index;
    }
    this.shown = shown.subarray(0, count);
    this.focused = Math.min(this.focused, Math.max(0, count - 1));
    this.table.setAttribute("aria-rowcount", String(count + 1));
    this.draw();
  }

  private rowAt(place: number): Row | undefined {
    const index = this.shown[place];
    return index === undefined ? undefined : this.rows[index];
  }

  private drawHead(): void {
    const cells = this.options.columns.map((column) => {
      const isBy = this.sorted?.title === column.title;
      const order = this.sorted?.descending ? "descending" : "ascending";
      const sort = h("button", { type: "button", onclick: () => void this.sortBy(column.title) }, column.title);
      return h("th", { scope: "col", class: column.kind, "aria-sort": isBy ? order : false }, sort);
    });
    const choice = h("th", { scope: "col", class: "choice" }, h("span", { class: "unseen" }, t("Chosen")));
    this.head.replaceChildren(...(this.options.choose ? [choice] : []), ...cells);
  }

  private async sortBy(title: string): Promise<void> {
    await this.options.beforeSort?.();
    const again = this.sorted?.title === title;
    this.sorted = { title, descending: again ? !this.sorted?.descending : false };
    this.drawHead();
    this.arrange();
    [...this.head.querySelectorAll("button")].find((each) => each.textContent === title)?.focus();
  }

  /** Draw all that is in sight anew. */
  private draw(): void {
    const active = document.activeElement;
    const hadFocus = active instanceof HTMLTableRowElement && this.body.contains(active);
    for (const line of this.lines.values()) line.remove();
    this.lines.clear();
    this.drawOn();
    if (hadFocus) this.lines.get(this.focused)?.focus({ preventScroll: true });
  }

  /** Draw what has come into sight; what is there already stays. */
  private drawOn(): void {
    const { lines, shown } = this;
    const height = this.element.clientHeight || 600;
    const from = this.isPrinted ? 0 : Math.floor(this.element.scrollTop / ROW_PX) - SPARE_ROWS;
    const first = Math.max(0, from);
    const rows = this.isPrinted ? PRINTED_MAX : Math.ceil(height / ROW_PX) + 2 * SPARE_ROWS;
    const last = Math.min(shown.length, first + rows);
    for (const [place, line] of lines) {
      if (place >= first && place < last) continue;
      line.remove();
      lines.delete(place);
    }
    let next = this.below;
    for (let place = last - 1; place >= first; place -= 1) {
      let line = lines.get(place);
      const row = this.rowAt(place);
      if (line === undefined && row !== undefined) {
        line = this.drawRow(row, place);
        lines.set(place, line);
        this.body.insertBefore(line, next);
      }
      next = line ?? next;
    }
    this.above.style.height = `${first * ROW_PX}px`;
    this.below.style.height = `${(shown.length - last) * ROW_PX}px`;
    if (shown.length > 0 && last === shown.length) this.options.reachEnd?.();
  }

  private drawRow(row: Row, index: number): HTMLTableRowElement {
    const { columns, keyOf, open, choose } = this.options;
    const key = keyOf(row);
    const isChosen = this.chosen.has(key);
    const line = h("tr", {
      tabindex: open || choose ? (index === this.focused ? "0" : "-1") : false,
      "data-index": index,
      "aria-rowindex": index + 2,
      class: isChosen ? "chosen" : open ? "opens" : "",
      onclick: (open || choose) && ((event: MouseEvent) => {
        this.moveTab(index);
        if ((event.target as Element).closest("input")) this.toggle(key);
        else open?.(row);
      }),
    });
    if (choose) {
      line.append(h("td", { class: "choice" }, h("input", {
        type: "checkbox", tabindex: "-1", checked: isChosen, "aria-label": t("Choose {row}", { row: columns[0]?.text(row) ?? "" }),
      })));
    }
    columns.forEach((column, at) => {
      const text = column.text(row);
      const value = column.kind === "state" ? h("span", { class: "pill", "data-word": text }, text) : text;
      const result = at === 0 && this.results.get(key);
      line.append(h("td", { class: column.kind, title: text }, value, result && h("em", { class: "result" }, result)));
    });
    return line;
  }

  private toggle(key: string): void {
    if (!this.chosen.delete(key)) this.chosen.add(key);
    this.options.choose?.(this.chosen);
    this.draw();
  }

  private onKey(event: KeyboardEvent): void {
    const line = (event.target as Element).closest("tr[data-index]");
    if (!(line instanceof HTMLTableRowElement) || event.target !== line) return;
    this.moveTab(Number(line.dataset["index"])); // whoever reads the page aloud may have led there by other ways
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PX) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
    };
    const step = steps[event.key];
    const row = this.rowAt(this.focused);
    if (step !== undefined) {
      event.preventDefault();
      this.focus(Math.min(this.shown.length - 1, Math.max(0, this.focused + step)));
    } else if (event.key === "Enter" && row !== undefined) this.options.open?.(row);
    else if (event.key === " " && row !== undefined && this.options.choose) {
      event.preventDefault();
      this.toggle(this.options.keyOf(row));
    }
  }

  private focus(index: number): void {
    this.moveTab(index);
    const top = index * ROW_PX;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + 3 * ROW_PX > scrollTop + clientHeight) this.element.scrollTop = top - clientHeight + 3 * ROW_PX;
    this.drawOn();
    this.lines.get(index)?.focus({ preventScroll: true });
  }

  /** Tab leads to one row of the table only. */
  private moveTab(index: number): void {
    this.lines.get(this.focused)?.setAttribute("tabindex", "-1");
    this.lines.get(index)?.setAttribute("tabindex", "0");
    this.focused = index;
  }
}

/** Those in the document, by their elements. */
const TABLES = new WeakMap<Element, { layOut: (isPrinted: boolean) => void }>();
for (const [event, isPrinted] of [["beforeprint", true], ["afterprint", false]] as const) {
  addEventListener(event, () => {
    for (const element of document.querySelectorAll(".grid")) TABLES.get(element)?.layOut(isPrinted);
  });
}

/** The order of rows by each column. Long tables are put in order ahead of time, while nobody does
 * anything, so that a click on a title is answered at once. */
class Orders<Row> {
  private readonly known = new Map<string, Uint32Array>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly rows: Row[]) {}

  /** The indexes of the rows. */
  by(column: Column<Row>): Uint32Array {
    const known = this.known.get(column.title);
    if (known) return known;
    const of = column.by ?? column.text;
    const keys = this.rows.map((row) => keyOf(of(row)));
    const order = Uint32Array.from(keys.keys()).sort((a, b) => {
      const [one, other] = [keys[a] ?? "", keys[b] ?? ""];
      return one < other ? -1 : one > other ? 1 : a - b;
    });
    this.known.set(column.title, order);
    return order;
  }

  /** One column at a time, once no more rows come. */
  prepare(columns: Column<Row>[]): void {
    if (this.rows.length < LONG_ROWS) return;
    const next = columns.find(({ title }) => !this.known.has(title));
    if (next === undefined) return;
    this.timer = setTimeout(() => {
      requestIdleCallback(() => {
        if (this.timer === undefined) return;
        this.by(next);
        this.prepare(columns);
      });
    }, QUIET_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

const LONG_ROWS = 2_000;
const QUIET_MS = 250;
const MARKS = /\p{M}/gu;
const NUMBERS = /\d+/g;

/** What sorts as people expect by plain comparison: case and accents do not count, numbers do. */
function keyOf(value: string | number): string | number {
  if (typeof value === "number") return value;
  const plain = value.toLocaleLowerCase().normalize("NFD").replace(MARKS, "");
  return plain.replace(NUMBERS, (digits) => digits.padStart(12, "0"));
}

/** A short table, drawn whole. */
export function plainTable<Row>(label: string, columns: Column<Row>[], rows: Row[]): HTMLElement {
  const head = columns.map((column) => h("th", { scope: "col", class: column.kind }, column.title));
  const lines = rows.map((row) =>
    h("tr", {}, ...columns.map((column) => h("td", { class: column.kind }, column.text(row)))),
  );
  const table = h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...lines));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

export function facts(pairs: [string, string | Node][]): HTMLElement {
  return h("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) => {
    const shown = h("dd");
    if (value instanceof Node) shown.append(value);
    else say(shown, value);
    return [h("dt", {}, name), shown];
  }));
}

function spacer(): HTMLTableRowElement {
  return h("tr", { "aria-hidden": "true", class: "spacer" });
}
