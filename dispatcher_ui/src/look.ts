/** How the console looks: theme, density and language, kept in this browser. */

import { chosenLanguage, LANGUAGES, t } from "./language";
import { h } from "./page";
import { openDialog } from "./parts/dialog";

const THEMES = { system: "As the computer", light: "Light", dark: "Dark", contrast: "High contrast" };

export function applyLook(): void {
  const theme = localStorage.getItem("theme") ?? "system";
  const root = document.documentElement;
  root.dataset["theme"] = theme;
  const mark = (): unknown => root.toggleAttribute("data-dark", isDark());
  mark();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", mark);
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  const theme = localStorage.getItem("theme") ?? "system";
  if (theme !== "system") return theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function openLook(): void {
  const theme = choice("theme", t("Theme"), THEMES, localStorage.getItem("theme") ?? "system", true);
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
    }, theme, language, h("p", { class: "buttons" }, h("button", { class: "main" }, t("Apply")))),
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
