/** What a phone that was signed out says to have happened after that: a person reads it, asks the
 * driver, and lets it count or not. */

import { getAll, send } from "../api";
import { t } from "../language";
import { h } from "../page";
import { formDialog } from "../parts/form";
import { plainTable } from "../parts/table";
import { dateTime, money, words } from "../values";

/** body: of the command, as the phone sends it. */
interface Held {
  id: string;
  name: string;
  body: Record<string, unknown>;
  occurred_at: string;
  verdict: string | null;
}

export async function claimsOf(deviceId: string): Promise<HTMLElement> {
  const held = await getAll<Held>(wayOf(deviceId), { limit: 200 });
  const open = held.filter(({ verdict }) => verdict === null);
  if (open.length === 0) return h("p", { class: "hint" }, t("Nothing of it waits any more."));
  return plainTable(t("What the phone tells"), [
    { title: t("When"), text: (each) => dateTime(each.occurred_at) },
    { title: t("What the phone tells"), text: (each) => words(codeOf(each.name)) },
    { title: t("Details"), text: (each) => detailsOf(each.body) },
  ], open);
}

/** CompleteTask -> complete_task, as other codes are written. */
const codeOf = (name: string): string => name.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

function detailsOf(body: Record<string, unknown>): string {
  const proof = body["proof"] as { recipient_name?: string } | undefined;
  const text = (name: string): string => String(body[name] ?? "");
  return [
    body["outcome_code"] ? words(text("outcome_code")) : "",
    proof?.recipient_name ?? "",
    typeof body["amount_minor"] === "number" ? money(body["amount_minor"], text("currency")) : "",
    text("note"), text("reason"), text("text"),
  ].filter(Boolean).join(" · ");
}

/** Neither can be taken back, so it is asked first. done: when all of it is settled. */
export function decide(deviceId: string, how: "take" | "drop", done: () => void): void {
  const [title, note, told] = how === "take"
    ? [t("Take it in"), t("It will count as the driver's work, with the times that the phone told. This cannot be taken back."), t("It counts now")]
    : [t("Believe none of it"), t("It will never count, and what was photographed is not shown. This cannot be taken back."), t("It will not count")];
  formDialog(title, {
    fields: [], note, button: title,
    submit: async () => {
      // A part at a time, so that nobody waits for an answer too long.
      while ((await send<{ left: number }>("POST", `${wayOf(deviceId)}/${how}`)).left > 0);
      done();
    },
  }, told);
}

const wayOf = (deviceId: string): string => `/api/devices/${deviceId}/last-words`;
