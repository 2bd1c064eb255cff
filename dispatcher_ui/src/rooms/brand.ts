/** How an account looks to the customers who follow its parcels. */

import { get, send } from "../api";
import { t } from "../language";
import { h } from "../page";
import { openDialog } from "../parts/dialog";
import { editForm } from "../parts/edit";
import type { Account } from "./order_records";

interface Brand { name: string; colour: string; contact: string }

/** How customers see the account on the page behind the tracking link. */
export async function showBrand(place: HTMLElement, account: Account): Promise<void> {
  const path = `/api/accounts/${account.id}/brand`;
  const shown = h("p", { class: "brand" });
  const form = await editForm<{ brand: Brand | null }>({
    note: t("Customers see this name and colour at the head of the tracking page; without a name it shows the courier company only."),
    read: () => get<{ brand: Brand | null }>(path),
    fields: ({ brand }) => [
      { name: "name", label: t("Name"), value: brand?.name ?? account.name },
      { name: "colour", label: t("Colour"), kind: "color", value: brand?.colour ?? "#0b5cad", width: "third" },
      { name: "contact", label: t("Whom customers may ask"), value: brand?.contact ?? "", hint: t("A phone number or an address, on one line") },
    ],
    save: (values) => send("PUT", path, { brand: values["name"] ? values : null }),
    saved: () => undefined,
  });
  const draw = (): void => {
    const { name, colour } = Object.fromEntries(new FormData(form)) as Record<string, string>;
    const mark = h("span", { "aria-hidden": "true" }, "■ ");
    mark.style.color = colour ?? "";
    shown.replaceChildren(mark, name ?? "");
  };
  form.oninput = draw;
  draw();
  place.append(h("section", { class: "card" }, shown, form), embedOf(account));
}

/** What puts the question for a parcel into the account's own site. */
function embedOf({ code }: Account): HTMLElement {
  const text = `<script src="${location.origin}/embed/lookup.js" data-account="${code}" async></script>`;
  return h("section", { class: "card" },
    h("h3", {}, t("“Where is my parcel?” for their own site")),
    h("p", {}, t("Who knows the number and the postcode sees how far a parcel is, and nothing else. Put this where it is to stand:")),
    h("p", {}, h("input", { readonly: true, value: text, "aria-label": t("For the page's source"), onfocus: (event: FocusEvent) => (event.target as HTMLInputElement).select() })),
    h("p", { class: "buttons" }, h("a", { href: `/embed/${code}`, target: "_blank" }, t("See how it looks"))));
}

export function openBrand(account: Account): void {
  const content = h("div");
  openDialog(t("Look of the tracking page"), content);
  void showBrand(content, account);
}
