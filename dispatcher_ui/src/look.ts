/** How the console looks: theme, density and language, kept in this browser. */

import { chosenLanguage, LANGUAGES, t } from "./language";
import { h } from "./page";
import { openDialog } from "./parts/dialog";

const THEMES = { system: "As the computer", light: "Light", dark: "Dark", contrast: "High contrast" };

const DARK = matchMedia("(prefers-color-scheme: dark)");
const MORE_CONTRAST = matchMedia("(prefers-contrast: more)");

export function applyLook(): void {
  const mark = (): void => {
    const root = document.documentElement;
    root.dataset["theme"] = theme();
    root.toggleAttribute("data-dark", isDark());
  };
  mark();
  DARK.addEventListener("change", mark);
  MORE_CONTRAST.addEventListener("change", mark);
}

/** The chosen one; who has chosen none and asks every page for more contrast gets it here too. */
function theme(): string {
  const chosen = localStorage.getItem("theme") ?? "system";
  return chosen === "system" && MORE_CONTRAST.matches ? "contrast" : chosen;
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  return theme() === "system" ? DARK.matches : theme() === "dark";
}

export function openLook(): void {
  const themes = choice("theme", t("Theme"), THEMES, localStorage.getItem("theme") ?? "system", true);
  const language = choice("language", t("Language"), LANGUAGES, chosenLanguage(), false);
  const dialog = openDialog(
    t("Look"),
    h("form", {
      class: "form",
      method: "dialog",
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        for (const [name, value] of new FormData(event.target as HTMLFormElement)) {
          localStorage.setItem(name, String(value));
        }
        dialog.close();
        location.reload();
      },
    }, themes, language, h("p", { class: "buttons" }, h("button", { class: "main" }, t("Apply")))),
  );
}

function choice(
  name: string,
  label: string,
  options: Record<string, string>,
  chosen: string,
  isTranslated: boolean,
): HTMLElement {
  return h("label", {}, label, h("select", { name }, ...Object.entries(options).map(([value, text]) =>
    h("option", { value, selected: value === chosen }, isTranslated ? t(text) : text),
  )));
}
