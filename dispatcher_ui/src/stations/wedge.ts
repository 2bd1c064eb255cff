/** A scanner that types like a keyboard, heard anywhere on the page: whatever has the focus, what it
 * types arrives as one code and lands in no field of the form. */

/** Between two keys, as a rule: nobody types that fast, no scanner types slower. Only the rule counts,
 * so that one that falters on its radio link or on a busy tablet still sends a whole code. */
const QUICK_MS = 45;
/** Nobody changes from the keys to the scanner in less; what was typed before is no part of a code. */
const PAUSE_MS = 500;
const SHORTEST_CODE = 3;
/** What scanners type after a code. */
const ENDS = ["Enter", "Tab"];
/** What they hold while they type a letter of it. */
const HELD = ["Shift", "CapsLock"];

type Typed = HTMLInputElement | HTMLTextAreaElement;

/** What was typed in one go, and the field it went into as it was before. */
interface Burst {
  text: string;
  gapsMs: number[];
  lastMs: number;
  before: { control: Typed; value: string } | undefined;
}

/** field: where what somebody types by hand goes, when nothing else has the focus. */
export function hearScanner(field: HTMLInputElement, take: (code: string) => void, signal: AbortSignal): void {
  let burst: Burst | undefined;

  const hear = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (HELD.includes(event.key)) return;
    // When the key was pressed, however late this page comes to hear of it.
    const nowMs = event.timeStamp;
    if (burst && nowMs - burst.lastMs > PAUSE_MS) burst = undefined;
    if (event.key.length === 1 && !event.repeat) {
      const control = typedInto(event.target);
      if (burst) {
        burst.gapsMs.push(nowMs - burst.lastMs);
        burst.text += event.key;
        burst.lastMs = nowMs;
      } else {
        const before = control && control !== field ? { control, value: control.value } : undefined;
        burst = { text: event.key, gapsMs: [], lastMs: nowMs, before };
      }
      if (control) return;
      // Not for a button, nor for the page's own keys: g, n and / are letters here.
      event.stopPropagation();
      field.focus({ preventScroll: true });
    } else {
      const typed = burst;
      burst = undefined;
      if (!typed || !ENDS.includes(event.key) || !isScanned(typed, nowMs)) return;
      event.preventDefault();
      event.stopPropagation();
      const { text, before } = typed;
      if (before) {
        before.control.value = before.value;
        before.control.dispatchEvent(new Event("input", { bubbles: true }));
      }
      const code = before ? text : field.value || text;
      field.value = "";
      take(code.trim());
    }
  };
  addEventListener("keydown", hear, { capture: true, signal });
}

function isScanned({ text, gapsMs, lastMs }: Burst, endedMs: number): boolean {
  const inOrder = [...gapsMs, endedMs - lastMs].sort((a, b) => a - b);
  return text.length >= SHORTEST_CODE && inOrder[Math.floor(inOrder.length / 2)]! < QUICK_MS;
}

function typedInto(target: EventTarget | null): Typed | undefined {
  if (target instanceof HTMLTextAreaElement) return target;
  const isText = target instanceof HTMLInputElement && !["button", "checkbox", "radio", "range"].includes(target.type);
  return isText ? target : undefined;
}
