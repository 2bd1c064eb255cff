/** A window over the page. Escape closes it, and the focus goes back to where it was. */

import { t } from "../language";
import { h, keepFocus } from "../page";

export function openDialog(title: string, ...children: Node[]): HTMLDialogElement {
  const before = document.activeElement as HTMLElement | null;
  const close = h("button", { type: "button", class: "close", "aria-label": t("Close") }, "×");
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h("header", {}, h("h2", {}, title), close),
    ...children,
  );
  close.onclick = () => dialog.close();
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus();
    keepFocus();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("input, select, textarea, button:not(.close)")?.focus();
  return dialog;
}
