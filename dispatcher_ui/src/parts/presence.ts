/** Who else has the same thing open: said in one line, and kept up while the page is open. */

import { newKey, send } from "../api";
import { t } from "../language";
import { h, say } from "../page";

const EVERY_MS = 8_000;

export type Subject = "plan" | "run" | "order" | "consignment" | "exception";

/** signal: ends when the thing is not looked at any more. */
export function showPresence({ signal }: { signal: AbortSignal }, kind: Subject, id: string): HTMLElement {
  const line = h("p", { class: "presence", role: "status", hidden: true });
  const screen = newKey().slice(0, 16);
  const ask = async (isLeaving: boolean): Promise<void> => {
    const looking = { kind, id, screen, is_leaving: isLeaving };
    const { others } = await send<{ others: { name: string; is_me: boolean }[] }>("POST", "/api/presence", looking);
    const names = others.map(({ name, is_me: isMe }) => (isMe ? t("you, in another window") : name));
    line.hidden = names.length === 0;
    say(line, t("Also here: {names}", { names: names.join(", ") }));
  };
  const look = (): void => {
    if (!document.hidden) void ask(false).catch(() => (line.hidden = true)); // only a hint
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    void ask(true).catch(() => undefined);
  });
  return line;
}
