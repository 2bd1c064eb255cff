/** What a consignee usually wants: proposed at the counter, corrected or forgotten by a person. */

import { get, send } from "../api";
import { today } from "../clock";
import { t } from "../language";
import { button, cardOf, edit } from "../parts/edit";
import { formDialog } from "../parts/form";
import { facts } from "../parts/table";
import { count } from "../values";

export interface Preference {
  id: string;
  account_id: string;
  window_start_local: string | null;
  window_end_local: string | null;
  safe_place: string;
  access_note: string;
  instructions: string;
  goods: { sku: string; quantity: number; description: string }[];
  orders_seen: number;
}

/** By whom or where; what is known by the telephone is the surest. */
export interface Consignee {
  account: string | undefined;
  phone?: string | undefined;
  email?: string | undefined;
  place_key?: string | null | undefined;
}

export async function findPreference({ account, phone, email, place_key }: Consignee): Promise<Preference | undefined> {
  if (!phone && !email && !place_key) return undefined;
  const { items } = await get<{ items: Preference[] }>("/api/preferences", { account, phone, email, place_key });
  return items[0];
}

const clock = (local: string | null): string => local?.slice(0, 5) ?? "";

/** take: puts it into an order that is being written; without it it is only shown. */
export function preferenceCard(who: Consignee, now: Preference, changed: () => unknown, take?: () => unknown): HTMLElement {
  const goods = now.goods.map((each) => `${count(each.quantity)} × ${each.description || each.sku}`).join(", ");
  return cardOf(t("What this consignee usually wants"), [
    take !== undefined && button(t("Take it over"), take, "main"),
    button(t("Correct"), () => correct(who, now, changed)), button(t("Forget"), () => forget(now, changed)),
  ], facts(([
    [t("Deliver"), now.window_start_local ? `${clock(now.window_start_local)} – ${clock(now.window_end_local)}` : ""],
    [t("Safe place"), now.safe_place], [t("At the door"), now.access_note], [t("Instructions"), now.instructions], [t("Goods"), goods],
    [t("Orders it rests on"), count(now.orders_seen)],
  ] as [string, string][]).filter(([, said]) => said !== "")));
}

/** As the fields of an order: the window is of today, or of the day that stands there. */
export function proposalOf(now: Preference, day = ""): Record<string, string> {
  const on = day.slice(0, 10) || today();
  const said = [now.safe_place && t("Safe place: {place}", { place: now.safe_place }), now.access_note, now.instructions];
  return {
    ...(now.window_start_local && { window_start_at: `${on}T${clock(now.window_start_local)}`, window_end_at: `${on}T${clock(now.window_end_local)}` }),
    instructions: said.filter(Boolean).join(". "),
  };
}

function correct(who: Consignee, { id }: Preference, changed: () => unknown): unknown {
  return edit<Preference>({
    title: t("What this consignee usually wants"),
    note: t("What you say here counts more than what was learned. Empty hours: as learned."),
    read: async () => {
      const now = await findPreference(who);
      if (now?.id !== id) throw new Error(t("Somebody else had it forgotten meanwhile."));
      return now;
    },
    fields: (each) => [
      { name: "window_start_local", label: t("Deliver from"), kind: "time", value: clock(each.window_start_local), width: "half" },
      { name: "window_end_local", label: t("until"), kind: "time", value: clock(each.window_end_local), width: "half" },
      { name: "safe_place", label: t("Safe place"), value: each.safe_place },
      { name: "access_note", label: t("At the door"), kind: "textarea", value: each.access_note },
    ],
    save: ({ window_start_local: start, window_end_local: end, ...typed }) => send("PUT", `/api/preferences/${id}`, {
      ...typed, window_start_local: start ? `${start}:00` : null, window_end_local: end ? `${end}:00` : null,
    }),
    saved: changed,
  });
}

const forget = ({ id }: Preference, changed: () => unknown): unknown => formDialog(t("Forget"), {
  note: t("All that is known of this consignee is deleted. It cannot be taken back."),
  fields: [],
  button: t("Forget it"),
  submit: () => send("DELETE", `/api/preferences/${id}`).then(changed),
}, t("Forgotten"));
