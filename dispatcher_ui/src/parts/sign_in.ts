/** Signing in again over the page when the session has ended: what was typed below it stays. */

import { t } from "../language";
import { h } from "../page";
import { openDialog } from "./dialog";

let asking: Promise<void> | undefined;

/** Resolves when somebody has signed in; however many ask, there is one window. */
export function askToSignIn(
  logIn: (email: string, password: string) => Promise<unknown>,
): Promise<void> {
  asking ??= new Promise<void>((resolve) => openSignIn(logIn, resolve));
  return asking;
}

function openSignIn(logIn: (email: string, password: string) => Promise<unknown>, resolve: () => void): void {
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const form = h(
    "form",
    { class: "form" },
    h("p", {}, t("Your session has ended. Sign in and go on where you were.")),
    h("label", {}, t("Email"), h("input", { name: "email", type: "email", autocomplete: "username", required: true })),
    h("label", {}, t("Password"), h("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
    notice,
    h("p", { class: "buttons" }, h("button", { class: "main" }, t("Sign in"))),
  );
  const dialog = openDialog(t("Sign in"), form);
  dialog.querySelector(".close")?.remove();
  // Browsers let Escape close any window in the end; others still wait for the answer to this one.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => asking && openSignIn(logIn, resolve));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const typed = new FormData(form);
    try {
      await logIn(String(typed.get("email")), String(typed.get("password")));
    } catch (error) {
      notice.hidden = false;
      notice.textContent = (error as Error).message;
      return;
    }
    asking = undefined;
    dialog.close();
    resolve();
  };
}
