/** Small dealings with the document. */

/** The element with this id, which the page is known to have. */
export function part<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element as Kind;
}

/** Put text where it is not yet, so that nothing is drawn or read aloud again for nothing. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

export type Child = Node | string | number | false | null | undefined;

/** An element with attributes (on… are listeners, false and undefined leave one out). */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, unknown> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  for (const child of children) {
    if (child !== false && child != null) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Tell what has happened, for some seconds and to screen readers; with a button that takes it
 * back it stays longer. */
export function tell(sentence: string, undo?: { label: string; act: () => void }): void {
  const toast = part("toast");
  toast.hidden = false;
  toast.replaceChildren(sentence);
  if (undo) {
    const button = h("button", {
      type: "button", onclick: () => {
        toast.hidden = true;
        undo.act();
      },
    }, undo.label);
    toast.append(" ", button);
  }
  clearTimeout(Number(toast.dataset["timer"]));
  toast.dataset["timer"] = String(setTimeout(() => (toast.hidden = true), undo ? UNDO_MS : TOLD_MS));
}

const TOLD_MS = 6_000;
const UNDO_MS = 15_000;

/** Who works by keys goes on in the room when what had the focus is gone. */
export function keepFocus(): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const room = part("room");
  (room.querySelector<HTMLElement>('tr[tabindex="0"]') ?? room).focus({ preventScroll: true });
}
