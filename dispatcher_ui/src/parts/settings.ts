/** A list of things that are kept by their code: what one of them says is changed or added by the
 * same form. */

import { get, send } from "../api";
import { t } from "../language";
import { tell } from "../page";
import type { View } from "../rooms";
import { edit } from "./edit";
import type { Field, Values } from "./form";
import { showListing } from "./listing";
import type { Column } from "./table";

export interface Settings<Row> {
  label: string;
  path: string;
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
  /** Of a row, or of a new one. */
  fields: (row?: Row) => Field[];
  /** What PUT is told; row: what was there. */
  body: (typed: Values, row?: Row) => unknown;
  /** Where to, when it is not where the list comes from. */
  to?: (typed: Values, row?: Row) => string;
  add: string;
  empty: string;
  query?: Record<string, string>;
}

export function showSettings<Row extends object>(view: View, place: HTMLElement, settings: Settings<Row>): void {
  const { label, path, columns, keyOf, fields, body, add, empty, query } = settings;
  const put = (typed: Values, row?: Row): Promise<unknown> => send("PUT", settings.to?.(typed, row) ?? path, body(typed, row));
  const readAgain = async (key: string): Promise<Row | undefined> => {
    const read = await get<Row[] | { items: Row[] }>(path, query ?? {});
    return (Array.isArray(read) ? read : read.items).find((each) => keyOf(each) === key);
  };
  const reload = showListing<Row>(view, place, {
    label, path, columns, keyOf, empty,
    ...(query && { query }),
    open: (row) => void edit<Row>({
      title: columns[0]?.text(row) ?? label,
      read: async () => (await readAgain(keyOf(row))) ?? row,
      fields: (now) => fields(now),
      save: (typed, now) => put(typed, now),
      saved: () => reload(),
    }),
    create: {
      label: add,
      form: () => ({
        fields: fields(), button: t("Add"),
        submit: async (typed) => {
          await put(typed);
          tell(t("Saved"));
        },
      }),
    },
  });
}
