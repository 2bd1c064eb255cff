/** A form that changes something which others may change at the same time: what they did is merged
 * in, what both did is shown, and what was saved can be taken back. */

import "../desk.css";
import { Refusal } from "../api";
import { t } from "../language";
import { h, tell } from "../page";
import { openDialog } from "./dialog";
import { faultAt, makeForm, valuesOf, type Field, type Values } from "./form";

export interface Editing<Thing> {
  title: string;
  /** As it is now. */
  read: () => Promise<Thing>;
  /** With the values of the thing. */
  fields: (thing: Thing) => Field[];
  /** thing: what was looked at, with its version if it has one. */
  save: (typed: Values, thing: Thing) => Promise<unknown>;
  saved: () => unknown;
  note?: string;
  /** Of what was typed: whether saving the former values brings back what was. */
  isUndoable?: (typed: Values) => boolean;
}

/** In a window, which closes when it is saved. */
export async function edit<Thing>(editing: Editing<Thing>): Promise<HTMLDialogElement> {
  const form = await editForm({
    ...editing,
    saved: () => {
      dialog.close();
      return editing.saved();
    },
  });
  const dialog = openDialog(editing.title, form);
  return dialog;
}

export async function editForm<Thing>(editing: Omit<Editing<Thing>, "title">): Promise<HTMLFormElement> {
  let looked = await editing.read();
  const form = makeForm({
    fields: editing.fields(looked),
    button: t("Save"),
    ...(editing.note && { note: editing.note }),
    submit: async (typed) => {
      const first = shown(editing, looked);
      try {
        await refuseStale();
        await editing.save(typed, looked);
      } catch (error) {
        if (error instanceof Refusal && error.status === 409) await refuseStale();
        throw error;
      }
      const isUndoable = editing.isUndoable?.(typed) ?? true;
      tell(t("Saved"), isUndoable ? { label: t("Undo"), act: () => void undo(first) } : undefined);
      void editing.saved();
    },
  });
  /** Puts what others changed into the form and stops; the next attempt is on top of theirs. */
  const refuseStale = async (): Promise<void> => {
    const now = await editing.read();
    const [before, theirs, mine] = [shown(editing, looked), shown(editing, now), valuesOf(form)];
    looked = now;
    const changed = Object.keys(theirs).filter((name) => theirs[name] !== before[name] && theirs[name] !== mine[name]);
    if (changed.length === 0) return;
    for (const name of changed) {
      const control = form.elements.namedItem(name) as HTMLInputElement | null;
      const value = theirs[name] ?? "";
      const isMine = mine[name] !== before[name];
      if (control && !isMine) {
        control.value = value;
        control.dispatchEvent(new Event("change"));
      }
      faultAt(form, name, isMine
        ? t("Somebody else made it “{value}”. Save again to keep yours.", { value: value || "–" })
        : t("Changed by somebody else meanwhile"));
    }
    throw new Error(t("Somebody else changed it meanwhile. Both are in the form now: look at it, then save again."));
  };
  const undo = async (former: Values): Promise<void> => {
    try {
      await editing.save(former, await editing.read());
      tell(t("Taken back"));
      void editing.saved();
    } catch (error) {
      tell((error as Error).message);
    }
  };
  return form;
}

const shown = <Thing>(editing: Pick<Editing<Thing>, "fields">, thing: Thing): Values =>
  Object.fromEntries(editing.fields(thing).map(({ name, value }) => [name, String(value ?? "").trim()]));

export const yesNo = (): [string, string][] => [["true", t("Yes")], ["false", t("No")]];

/** A heading with what can be done about it. */
export const cardOf = (title: string, buttons: (Node | false)[], ...parts: (Node | string | false)[]): HTMLElement =>
  h("section", { class: "card" }, h("h3", {}, title), ...parts, buttons.length > 0 && h("p", { class: "buttons" }, ...buttons));

export const button = (label: string, onclick: () => unknown, kind = ""): HTMLElement =>
  h("button", { type: "button", class: kind, onclick: () => void onclick() }, label);
