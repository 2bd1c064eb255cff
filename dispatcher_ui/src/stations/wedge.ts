/** A scanner that types like a keyboard, heard anywhere on the page: whatever has the focus, what it
 * types arrives as one code and lands in no field of the form. */

/** People do not type that fast, and scanners not slower. */
const BETWEEN_KEYS_MS = 45;
const SHORTEST_CODE = 3;
/** What scanners type after a code. */
const ENDS = ["Enter", "Tab"];

type Typed = HTMLInputElement | HTMLTextAreaElement;

/** field: where what somebody types by hand goes, when nothing else has the focus. */
export function hearScanner(field: HTMLInputElement, take: (code: string) => void, signal: AbortSignal): void {
  let burst = "";
  let lastMs = 0;
  let before: { control: Typed; value: string } | undefined;

  const hear = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const isQuick = event.timeStamp - lastMs < BETWEEN_KEYS_MS;
    lastMs = event.timeStamp;
    if (event.key.length === 1) {
      const control = typedInto(event.target);
      if (!isQuick) {
        burst = "";
        before = control && control !== field ? { control, value: control.value } : undefined;
      }
      burst += event.key;
      if (control) return;
      // Not for a button, nor for the page's own keys: g, n and / are letters here.
      event.stopPropagation();
      if (event.target !== field) field.focus({ preventScroll: true });
    } else if (ENDS.includes(event.key) && isQuick && burst.length >= SHORTEST_CODE) {
      event.preventDefault();
      event.stopPropagation();
      if (before) {
        before.control.value = before.value;
        before.control.dispatchEvent(new Event("input", { bubbles: true }));
      }
      const code = before ? burst : field.value || burst;
      field.value = "";
      burst = "";
      take(code.trim());
    } else if (event.key !== "Shift") burst = "";
  };
  addEventListener("keydown", hear, { capture: true, signal });
}

function typedInto(target: EventTarget | null): Typed | undefined {
  if (target instanceof HTMLTextAreaElement) return target;
  const isText = target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range"].includes(target.type);
  return isText ? target : undefined;
}
