/** Signing in, and the change of a one-time password. */

import { changePassword, logIn, WANTED_PAGE } from "./api";
import { speak, t } from "./language";
import { applyLook } from "./look";
import { part } from "./page";

applyLook();
void speak().then(() => (document.title = `${t("Sign in")} · Postrider`));

const signIn = part<HTMLFormElement>("sign-in");
const newPassword = part<HTMLFormElement>("new-password");
const notice = part("notice");

let oneTimePassword = "";

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt(signIn, async () => {
    oneTimePassword = field(signIn, "password");
    const session = await logIn(field(signIn, "email"), oneTimePassword);
    if (!session.person.must_change_password) return goOn();
    signIn.hidden = true;
    newPassword.hidden = false;
    newPassword.querySelector("input")?.focus();
  });
});

newPassword.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt(newPassword, async () => {
    const wanted = field(newPassword, "new");
    if (wanted !== field(newPassword, "again")) {
      throw new Error(t("The two passwords differ. Type the same one twice."));
    }
    await changePassword(oneTimePassword, wanted);
    goOn();
  });
});

/** Do it once, with the form locked; show why it did not work. */
async function attempt(form: HTMLFormElement, act: () => Promise<void>): Promise<void> {
  const button = form.querySelector("button");
  if (button) button.disabled = true;
  notice.hidden = true;
  try {
    await act();
  } catch (error) {
    notice.textContent = (error as Error).message;
    notice.hidden = false;
  } finally {
    if (button) button.disabled = false;
  }
}

function field(form: HTMLFormElement, name: string): string {
  return String(new FormData(form).get(name) ?? "");
}

/** To the page that somebody wanted when they had to sign in. */
function goOn(): void {
  const wanted = sessionStorage.getItem(WANTED_PAGE) ?? "";
  sessionStorage.removeItem(WANTED_PAGE);
  location.assign(/^\/dispatch(\/|\?|$)/.test(wanted) ? wanted : "/dispatch");
}
