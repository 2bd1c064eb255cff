/** How an account looks to the customers who follow its parcels. */

import { get, send } from "../api";
import { t } from "../language";
import { h, tell } from "../page";
import { openDialog } from "../parts/dialog";
import { makeForm } from "../parts/form";
import type { Account } from "./order_records";

interface Brand { name: string; colour: string; contact: string }

/** How customers see the account on the page behind the tracking link. */
export async function showBrand(place: HTMLElement, account: Account): Promise<void> {
  const path = `/api/accounts/${account.id}/brand`;
  const { brand } = await get<{ brand: Brand | null }>(path);
  const shown = h("p", { class: "brand" });
  const form = makeForm({
    note: t("Customers see this name and colour at the head of the tracking page; without a name it shows the courier company only."),
    fields: [
      { name: "name", label: t("Name"), value: brand?.name ?? account.name },
      { name: "colour", label: t("Colour"), kind: "color", value: brand?.colour ?? "#0b5cad", width: "third" },
      { name: "contact", label: t("Whom customers may ask"), value: brand?.contact ?? "", hint: t("A phone number or an address, on one line") },
    ],
    button: t("Save"),
    submit: async (values) => {
      await send("PUT", path, { brand: values["name"] ? values : null });
      tell(t("Saved"));
    },
  });
  const draw = (): void => {
    const { name, colour } = Object.fromEntries(new FormData(form)) as Record<string, string>;
    const mark = h("span", { "aria-hidden": "true" }, "■ ");
    mark.style.color = colour ?? "";
    shown.replaceChildren(mark, name ?? "");
  };
  form.oninput = draw;
  draw();
  place.append(h("section", { class: "card" }, shown, form));
}

export function openBrand(account: Account): void {
  const content = h("div");
  openDialog(t("Look of the tracking page"), content);
  void showBrand(content, account);
}
