/** One big field that a scanner types into, for a desk and a cheap tablet. */

import { h } from "../page";

/** One big field that a scanner types into; the last answers stand below it. */
export function scanner(label: string, take: (code: string) => Promise<{ sentence: string; isGood: boolean }>): HTMLElement {
  const input = h("input", { autocomplete: "off", "aria-label": label, placeholder: label });
  const answers = h("ol", { class: "story", "aria-live": "assertive" });
  const form = h("form", {
    class: "scan",
    onsubmit: async (event: SubmitEvent) => {
      event.preventDefault();
      const code = input.value.trim();
      input.value = "";
      if (code === "") return;
      const line = h("li", {}, h("strong", {}, code), h("p", {}, "…"));
      answers.prepend(line);
      try {
        const { sentence, isGood } = await take(code);
        line.lastElementChild?.replaceWith(h("p", { class: isGood ? "well" : "bad" }, sentence));
      } catch (error) {
        line.lastElementChild?.replaceWith(h("p", { class: "bad", role: "alert" }, (error as Error).message));
      }
      input.focus();
    },
  }, input);
  setTimeout(() => input.focus());
  return h("div", {}, form, answers);
}

export const uuidOf = (key: string): string =>
  `${key.slice(0, 8)}-${key.slice(8, 12)}-4${key.slice(13, 16)}-8${key.slice(17, 20)}-${key.slice(20)}`;
