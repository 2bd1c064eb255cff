/** The frame of every scanner page, made for a cheap tablet held in one hand: what to do now in
 * large letters, the answer to the last scan in colour, words and sound, buttons at the thumb. */

import { t } from "../language";
import { h, say } from "../page";
import { roomUrl, type View } from "../rooms";
import { isSoundOn, setSound, signal } from "./signals";
import "./station.css";
import { hearScanner } from "./wedge";

/** A scan that was understood and is wrong here; the message says what was expected. */
export class WrongScan extends Error {}

export interface Station {
  /** What to do now. */
  now: HTMLElement;
  /** Large buttons, within reach of the thumb. */
  foot: HTMLElement;
  /** Does something by hand as if it had been scanned: one after the other, each with its answer. */
  act: (deed: () => Promise<string>) => void;
}

/** take: what a scan does; answers what was done, throws what is wrong. */
export function openStation(view: View, title: string, take: (code: string) => Promise<string>, back = "scan"): Station {
  const answer = h("p", { class: "answer", role: "status", "aria-live": "assertive" }, t("Ready to scan"));
  const field = h("input", {
    class: "code", autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "none",
    "aria-label": t("Code"), placeholder: t("Scan anywhere on this page"),
  });
  const now = h("section", { class: "now", "aria-label": t("What to do now") });
  const foot = h("div", { class: "foot" });
  let queue = Promise.resolve();
  let waiting = 0;

  const tell = (sentence: string, isGood: boolean): void => {
    say(answer, `${isGood ? "✓" : "✗"} ${sentence}`);
    answer.dataset["kind"] = isGood ? "good" : "bad";
    answer.getAnimations().forEach((each) => each.cancel());
    answer.animate([{ transform: "scale(0.96)" }, { transform: "none" }], { duration: 160 });
    signal(isGood);
  };
  const act = (deed: () => Promise<string>): void => {
    waiting += 1;
    now.ariaBusy = "true";
    queue = queue.then(async () => {
      try {
        const sentence = await deed();
        if (!view.signal.aborted && sentence) tell(sentence, true);
      } catch (error) {
        if (!view.signal.aborted) tell((error as Error).message, false);
      } finally {
        waiting -= 1;
        if (waiting === 0) now.ariaBusy = "false";
      }
    });
  };
  const scanned = (code: string): void => {
    if (code !== "") act(() => take(code));
  };
  const sound = h("button", { type: "button", "aria-pressed": String(isSoundOn()) }, t("Sound"));
  sound.onclick = () => {
    setSound(!isSoundOn());
    sound.ariaPressed = String(isSoundOn());
    signal(true);
  };
  const typing = h("button", { type: "button" }, t("Type it"));
  typing.onclick = () => {
    field.inputMode = "text";
    field.focus();
  };
  const form = h("form", {
    class: "typed",
    onsubmit: (event: SubmitEvent) => {
      event.preventDefault();
      const code = field.value.trim();
      field.value = "";
      field.inputMode = "none";
      scanned(code);
    },
  }, field, typing);
  const leave = roomUrl("warehouse", back);
  view.place.classList.add("station");
  view.place.append(
    h("header", {}, h("a", { href: leave, "aria-label": t("Back") }, "←"), h("h2", {}, title), sound),
    answer, now, form, foot,
  );
  hearScanner(field, scanned, view.signal);
  return { now, foot, act };
}

/** How many: two large buttons and the number between them. */
export function stepper(label: string, value: number, most: number, changed: (value: number) => void): HTMLElement {
  const number = h("output", { "aria-live": "polite" }, String(value));
  const step = (by: number, sign: string, what: string): HTMLElement =>
    h("button", {
      type: "button", "aria-label": `${what}: ${label}`,
      onclick: () => {
        value = Math.min(most, Math.max(0, value + by));
        say(number, String(value));
        changed(value);
      },
    }, sign);
  return h("div", { class: "stepper", role: "group", "aria-label": label }, step(-1, "−", t("One less")), number, step(1, "+", t("One more")));
}

export const large = (label: string, onclick: () => void, kind = ""): HTMLElement =>
  h("button", { type: "button", class: kind, onclick }, label);

/** Something to choose by a touch anywhere on it. */
export const tile = (href: string, title: string, ...more: (string | false | null)[]): HTMLElement =>
  h("li", {}, h("a", { class: "tile", href }, h("strong", {}, title), ...more.filter(Boolean).map((each) => h("span", {}, each as string))));
