/** A price and how it came about, in words and sums. */

import { t } from "../language";
import { h } from "../page";
import { translated } from "../server_words";
import { count, money } from "../values";

export interface PriceTrace {
  words: string;
  terms: { words: string; quantity: number; unit: string; minor: number; per: number }[];
  least_minor?: number | null;
}

export interface PriceLine {
  description: string;
  net_minor: number;
  trace: PriceTrace;
}

/** Each line with the sum that it is; nothing has to be believed. */
export function priceLines(lines: PriceLine[], currency: string): HTMLElement {
  return h("dl", { class: "price" }, ...lines.flatMap((line) => [
    h("dt", {}, translated(line.description), " ", h("strong", {}, money(line.net_minor, currency))),
    h("dd", {}, traceWords(line.trace, currency)),
  ]));
}

export function traceWords({ words, terms, least_minor: least }: PriceTrace, currency: string): HTMLElement {
  return h("div", {},
    h("p", {}, translated(words)),
    h("ul", {}, ...terms.map((term) => h("li", {}, `${translated(term.words)}: ${sumOf(term, currency)}`))),
    least != null && h("p", {}, t("At least {amount}", { amount: money(least, currency) })),
  );
}

function sumOf({ quantity, unit, minor, per }: PriceTrace["terms"][number], currency: string): string {
  const each = per === 1 ? money(minor, currency) : `${money(minor, currency)} / ${count(per)}`;
  return `${count(quantity)} ${translated(unit)} × ${each} = ${money((quantity * minor) / per, currency)}`;
}
