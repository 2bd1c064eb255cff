/** A new order at the counter: by keyboard, from the name to the label in under 20 seconds. */

import { get, isCustomer, send } from "../api";
import type { LonLat } from "../frames";
import { t } from "../language";
import { h } from "../page";
import { formDialog, makeForm, valuesOf } from "../parts/form";
import { priceLines, type PriceLine } from "../parts/price";
import { roomUrl } from "../rooms";
import { localMoment, minorOf, momentOf, money } from "../values";
import { nowMs } from "../clock";
import type { Account } from "./order_records";
import { accountOptions, payingAccounts } from "./orders";
import { findPreference, preferenceCard, proposalOf } from "./preferences";

const QUIET_MS = 120;
/** How long a quote holds, unless somebody says otherwise. */
const QUOTE_MS = 7 * 24 * 3_600_000;
const ACCOUNT_KEPT = "counter account";

interface Found {
  line: string;
  position: LonLat;
  precision: string;
}

export async function showCounter(place: HTMLElement): Promise<void> {
  const accounts = await payingAccounts();
  const levels = await get<{ code: string; name: string }[]>("/api/service-levels").catch(() => []);
  const found = new Map<string, Found>();
  const taken = h("ul", { class: "story", "aria-label": t("Just taken") });
  const status = h("p", { role: "status" });
  let from = { name: "", line: "" }; // of the order before: mostly the same hands over the next

  const fill = (): void => {
    const form = makeForm({
      fields: [
        ...(isCustomer() ? [] : [{ name: "account", label: t("Who pays"), kind: "select" as const, required: true, options: accountOptions(accounts), value: localStorage.getItem(ACCOUNT_KEPT) ?? "" }]),
        { name: "name", label: t("Consignee"), required: true, width: "half" },
        { name: "phone", label: t("Phone"), kind: "tel", width: "half" },
        { name: "line", label: t("Address"), required: true, suggestions: [], hint: t("Street and number, town") },
        { name: "from_name", label: t("Collect from"), required: true, value: from.name, width: "half" },
        { name: "from_line", label: t("Address to collect at"), required: true, value: from.line, width: "half", suggestions: [] },
        { name: "parcels", label: t("Parcels"), kind: "number", value: 1, width: "third" },
        { name: "weight_kg", label: t("Weight of each, kg"), kind: "number", value: 1, width: "third" },
        { name: "cash", label: t("Cash to take"), kind: "number", width: "third" },
        { name: "service_level", label: t("Service"), kind: "select", options: [["", t("By the window")], ...levels.map((each): [string, string] => [each.code, each.name])] },
        { name: "window_start_at", label: t("Deliver from"), kind: "datetime-local", width: "half" },
        { name: "window_end_at", label: t("until"), kind: "datetime-local", width: "half" },
        { name: "reference", label: t("Reference"), width: "half" },
        { name: "cost_centre", label: t("Cost centre"), width: "half" },
        { name: "instructions", label: t("Instructions") },
      ],
      keep: "new order",
      button: t("Take the order (Ctrl Enter)"),
      submit: async (typed, key) => {
        localStorage.setItem(ACCOUNT_KEPT, typed["account"] ?? "");
        from = { name: typed["from_name"] ?? "", line: typed["from_line"] ?? "" };
        const order = await send<{ id: string; number: string }>("POST", "/api/orders", orderOf(typed, found, currencyOf(accounts, typed["account"])), key);
        status.textContent = t("Order {number} is taken.", { number: order.number });
        taken.prepend(h("li", {}, h("a", { href: roomUrl("orders", order.id) }, order.number), h("p", {}, `${typed["name"]}, ${typed["line"]}`)));
        setTimeout(fill); // once the form has forgotten what was taken
      },
    });
    const price = h("section", { class: "card", "aria-live": "polite", hidden: true });
    const ask = h("button", { type: "button", onclick: () => void showPrice(form, price, found, accounts) }, t("What would it cost?"));
    const offer = h("button", { type: "button", onclick: () => offerQuote(orderOf(valuesOf(form), found, currencyOf(accounts, valuesOf(form)["account"])), status) }, t("Offer it as a quote …"));
    form.querySelector(".buttons")?.append(ask, offer);
    const usual = h("div", { "aria-live": "polite" });
    form.querySelector('[name="phone"]')?.addEventListener("change", () => void propose(form, usual, accounts));
    for (const name of ["line", "from_line"]) suggest(form, name, found);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    place.replaceChildren(h("div", { class: "columns" },
      h("section", { class: "card" }, form),
      h("div", {}, h("section", { class: "card" }, h("h3", {}, t("Just taken")), status, taken), usual, price)));
    form.querySelector<HTMLElement>(isCustomer() || accounts.length === 1 || localStorage.getItem(ACCOUNT_KEPT) ? '[name="name"]' : "select")?.focus();
  };
  if (accounts.length === 0) {
    place.append(h("p", { class: "empty" }, t("Orders need somebody who pays. Make an account first."), " ",
      h("a", { href: roomUrl("billing", "accounts") }, t("Accounts"))));
    return;
  }
  fill();
}

/** What is usual for who has this telephone; nothing while nothing is known. */
async function propose(form: HTMLFormElement, place: HTMLElement, accounts: Account[]): Promise<void> {
  const { account, phone } = valuesOf(form);
  const who = { account: accounts.find(({ code }) => code === account)?.id, phone };
  const known = await findPreference(who).catch(() => undefined);
  place.replaceChildren(known === undefined ? "" : preferenceCard(who, known, () => propose(form, place, accounts), () => {
    for (const [name, value] of Object.entries(proposalOf(known, valuesOf(form)["window_start_at"]))) {
      (form.elements.namedItem(name) as HTMLInputElement).value = value;
    }
    form.dispatchEvent(new Event("input")); // so that it is kept with what was typed
    form.querySelector<HTMLElement>('[name="line"]')?.focus();
  }));
}

interface Estimate {
  currency: string;
  net_minor: number;
  tariff: string;
  lines: PriceLine[];
}

/** Its goods are kept until it is accepted or expires. */
function offerQuote(order: Record<string, unknown>, status: HTMLElement): void {
  formDialog(t("Offer it as a quote"), {
    fields: [
      { name: "expires_at", label: t("Holds until"), kind: "datetime-local", required: true, value: localMoment(nowMs() + QUOTE_MS) },
      { name: "price_note", label: t("What was said about the price") },
    ],
    button: t("Offer"),
    submit: async ({ expires_at, price_note }, key) => {
      const made = await send<{ number: string }>("POST", "/api/quotes", { order, expires_at: momentOf(expires_at), price_note }, key);
      status.textContent = t("Quote {number} is offered; it is accepted on its page.", { number: made.number });
    },
  });
}

/** By the tariff in force, before anything is ordered. */
async function showPrice(
  form: HTMLFormElement, place: HTMLElement, found: Map<string, Found>, accounts: Account[],
): Promise<void> {
  const typed = valuesOf(form);
  const spot = (line: string | undefined): Record<string, number> => {
    const at = found.get(line ?? "")?.position;
    return at ? { lon: at[0], lat: at[1] } : {};
  };
  place.hidden = false;
  try {
    const told = await send<Estimate>("POST", "/api/price-estimates", {
      account_id: accounts.find(({ code }) => code === typed["account"])?.id ?? null,
      service_level: typed["service_level"] || null,
      origin: spot(typed["from_line"]), destination: spot(typed["line"]),
      parcels: parcelsOf(typed), deliver_at: momentOf(typed["window_start_at"]),
    });
    place.replaceChildren(
      h("h3", {}, t("It would cost {amount} net", { amount: money(told.net_minor, told.currency) })),
      h("p", { class: "hint" }, t("By {tariff}; the way is measured by the air line.", { tariff: told.tariff })),
      priceLines(told.lines, told.currency),
    );
  } catch (error) {
    place.replaceChildren(h("p", { class: "notice", role: "alert" }, (error as Error).message));
  }
}

function parcelsOf(typed: Record<string, string>): { weight_g: number }[] {
  const weightG = Math.round((Number((typed["weight_kg"] ?? "").replace(",", ".")) || 0) * 1000);
  return Array.from({ length: Math.max(1, Number(typed["parcels"]) || 1) }, () => ({ weight_g: weightG }));
}

/** Addresses of the map while one types; a known one brings its position along. */
function suggest(form: HTMLFormElement, name: string, found: Map<string, Found>): void {
  const input = form.querySelector<HTMLInputElement>(`[name="${name}"]`);
  const list = input?.list;
  if (!input || !list) return;
  let quiet: ReturnType<typeof setTimeout>;
  input.addEventListener("input", () => {
    clearTimeout(quiet);
    const typed = input.value.trim();
    if (typed.length < 3 || found.has(typed)) return;
    quiet = setTimeout(async () => {
      const { items } = await get<{ items: Found[] }>("/api/places/search", { q: typed, limit: 8 }).catch(() => ({ items: [] }));
      for (const item of items) found.set(item.line, item);
      list.replaceChildren(...items.map((item) => h("option", { value: item.line })));
    }, QUIET_MS);
  });
}

function orderOf(typed: Record<string, string>, found: Map<string, Found>, currency: string): Record<string, unknown> {
  const order: Record<string, unknown> = {
    kind: "courier",
    account: typed["account"] ?? null,
    consignor: { name: typed["from_name"], address: addressOf(typed["from_line"] ?? "", found) },
    consignee: { name: typed["name"], phone: typed["phone"], address: addressOf(typed["line"] ?? "", found) },
    parcels: parcelsOf(typed),
    reference: typed["reference"],
    cost_centre: typed["cost_centre"],
    instructions: typed["instructions"],
    cash_minor: minorOf(typed["cash"] ?? "", currency) ?? 0,
    currency,
  };
  if (typed["service_level"]) order["service_level"] = typed["service_level"];
  if (typed["window_start_at"] || typed["window_end_at"]) {
    order["window_start_at"] = momentOf(typed["window_start_at"] || localMoment(nowMs()));
    order["window_end_at"] = momentOf(typed["window_end_at"]);
  }
  return order;
}

const currencyOf = (accounts: Account[], code: string | undefined): string =>
  (accounts.find((each) => each.code === code) ?? accounts[0])?.currency ?? "EUR";

function addressOf(line: string, found: Map<string, Found>): Record<string, unknown> {
  const known = found.get(line);
  if (known?.precision !== "house") return { line };
  return { line, lon: known.position[0], lat: known.position[1] };
}
