/** Who did something, as people know them: the server says person:<id>, driver:<id>, api_key:<id> … */

import { get, getAll, isOneOf } from "./api";
import { t } from "./language";
import { words } from "./values";

interface Named { id: string; name: string }

const names = new Map<string, string>();
let asking: Promise<void> | undefined;

/** Asked for once; whoever may not read the list of people sees what kind of somebody it was. */
export const namesAreKnown = (): Promise<void> => (asking ??= readNames());

async function readNames(): Promise<void> {
  if (!isOneOf("admin", "dispatcher", "clerk")) return;
  const nobody = (): Named[] => [];
  const [people, drivers] = await Promise.all([
    getAll<Named>("/api/people", { limit: 200 }).catch(nobody), get<Named[]>("/api/drivers").catch(nobody),
  ]);
  for (const { id, name } of [...people, ...drivers]) names.set(id, name);
}

export function whoIs(label: string | null | undefined): string {
  const [kind = "", id = ""] = (label ?? "").split(":");
  const name = names.get(id);
  if (name) return name;
  if (kind === "person") return t("A colleague");
  if (kind === "api_key") return t("A program");
  if (kind === "device") return t("A phone");
  if (kind === "driver") return t("A driver");
  return words(kind);
}

/** What an entry is about: order:<id> becomes “Order …1a2b”. */
export function aboutWhat(subject: string): string {
  const [kind = "", ...rest] = subject.split(":");
  const id = rest.join(":");
  const name = names.get(id);
  return [words(kind), name ?? (/^[0-9a-f-]{36}$/.test(id) ? `…${id.slice(-4)}` : id)].filter(Boolean).join(" ");
}
