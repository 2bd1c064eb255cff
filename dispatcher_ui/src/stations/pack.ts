/** The packing table: an order is scanned in, its goods go into the carton that is proposed, one scan
 * each, and the parcel gets its label. */

import { get, getAll, send } from "../api";
import { t } from "../language";
import { h, say } from "../page";
import { go } from "../router";
import { roomUrl, type View } from "../rooms";
import { dateTime } from "../values";
import type { Carton, Fulfilment, FulfilmentDetail, Goods, Sku } from "./records";
import { large, openStation, stepper, tile, WrongScan } from "./station";

interface Suggestion { cartons: { carton: string; contents: Record<string, number>; filled_percent: number }[] }
interface Packed { barcode: string; left: number; fulfilment_state: string }
interface Line { goods: Goods; name: string; unitG: number; left: number; units: number; serials: string[] }

/** What was sent without being packed here needs no parcel any more. */
const OVER = ["handed_over", "delivered", "cancelled"];

const url = (id: string): string => roomUrl("warehouse", "pack", id);
const picked = (): Promise<Fulfilment[]> => getAll<Fulfilment>("/api/fulfilments", { state: "picked", limit: 200 });

async function openOrder(code: string): Promise<string> {
  const found = (await picked()).find((each) => each.order_number === code);
  if (!found) throw new WrongScan(t("No picked order has the number {code}", { code }));
  go(url(found.id));
  return "";
}

export async function chooseOrder(view: View): Promise<void> {
  const orders = await picked();
  const station = openStation(view, t("Packing"), openOrder);
  station.now.append(orders.length === 0
    ? h("p", {}, t("Nothing is picked and waits to be packed."))
    : h("div", {}, h("p", {}, t("Scan the number of an order, or touch it.")), h("ul", { class: "tiles" },
        ...orders.map((each) => tile(url(each.id), each.order_number, t("Due {time}", { time: dateTime(each.due_at) }))))));
}

export async function pack(view: View, id: string): Promise<void> {
  const path = `/api/fulfilments/${id}`;
  const cartons = (await get<Carton[]>("/api/cartons")).filter((each) => each.active);
  let detail = await get<FulfilmentDetail>(path);
  const skus = new Map<string, Sku>();
  await Promise.all([...new Set(detail.goods.map((each) => each.sku_id))].map(async (each) =>
    skus.set(each, await get<Sku>(`/api/skus/${each}`))));
  let lines: Line[] = [];
  let suggestion: Suggestion = { cartons: [] };
  let lastBarcode = "";
  let lastLine: Line | undefined;
  const carton = h("select", {}, h("option", { value: "" }, t("Without a carton")), ...cartons.map(({ code, name }) => h("option", { value: code }, name)));
  const weight = h("input", { inputmode: "decimal", autocomplete: "off", "data-typed": "" });
  let expected = "";
  weight.oninput = () => (weight.dataset["typed"] = weight.value === expected ? "" : "yes");
  carton.onchange = () => weigh();

  const station = openStation(view, t("Pack order {number}", { number: detail.fulfilment.order_number }), async (code) => {
    if (lines.length === 0) return openOrder(code);
    const box = cartons.find((each) => each.code === code);
    if (box) {
      carton.value = box.code;
      weigh();
      return box.name;
    }
    const serial = lines.find((each) => each.goods.serials.includes(code));
    const same = lines.filter((each) => each.goods.sku === code);
    const line = serial ?? same.find((each) => each.units < each.left) ?? same[0];
    if (!line) throw new WrongScan(t("{code} does not belong to this order", { code }));
    if (line.units >= line.left) throw new WrongScan(t("All {goods} are in it already", { goods: line.name }));
    if (line.goods.serials.length > 0 && !serial) throw new WrongScan(t("Scan the serial number of each."));
    if (serial && line.serials.includes(code)) throw new WrongScan(t("{code} is scanned already", { code }));
    if (serial) line.serials.push(code);
    line.units += 1;
    lastLine = line;
    draw();
    return t("{name}: {n} of {all}", { name: line.name, n: line.units, all: line.left });
  }, "pack");

  /** What the scale will say, until somebody types what it does say. */
  const weigh = (): void => {
    if (weight.dataset["typed"]) return;
    const goodsG = lines.reduce((sum, each) => sum + each.units * each.unitG, 0);
    const tareG = cartons.find(({ code }) => code === carton.value)?.tare_g ?? 0;
    expected = goodsG > 0 ? ((goodsG + tareG) / 1000).toFixed(2) : "";
    weight.value = expected;
  };
  const isOver = (): boolean => OVER.includes(detail.fulfilment.state);
  const begin = async (): Promise<void> => {
    lines = isOver() ? [] : detail.goods.filter((each) => each.packed < each.quantity && each.state !== "cancelled").map((goods) => {
      const sku = skus.get(goods.sku_id);
      return { goods, name: sku?.name ?? goods.sku, unitG: sku?.weight_g ?? 0, left: goods.quantity - goods.packed, units: 0, serials: [] };
    });
    suggestion = lines.length > 0 ? await get<Suggestion>(`${path}/cartons`).catch(() => ({ cartons: [] })) : { cartons: [] };
    carton.value = suggestion.cartons[0]?.carton ?? "";
    weight.dataset["typed"] = "";
    lastLine = undefined;
    draw();
  };
  const close = async (): Promise<string> => {
    const full = lines.filter((each) => each.units > 0);
    if (full.length === 0) throw new WrongScan(t("Scan what is in the parcel first."));
    const weightG = Math.round(Number(weight.value.replace(",", ".")) * 1000);
    if (!(weightG > 0)) throw new WrongScan(t("Say what the parcel weighs."));
    const contents = full.map((each) => ({ sku: each.goods.sku, line: each.goods.line, quantity: each.units, serials: each.serials }));
    const packed = await send<Packed>("POST", `${path}/pack`, { carton: carton.value || null, weight_g: weightG, contents },
      `${id} ${detail.goods.map((each) => each.packed).join(" ")}`);
    lastBarcode = packed.barcode;
    print();
    detail = await get<FulfilmentDetail>(path);
    await begin();
    return t("Parcel {barcode}; {n} still to pack", { barcode: packed.barcode, n: packed.left });
  };
  const print = (): void => void window.open(`/api/parcels/${lastBarcode}/label.pdf`, "label", "noreferrer");
  const again = (): HTMLElement | "" => (lastBarcode ? large(t("Print the label again"), print) : "");

  const draw = (): void => {
    if (lines.length === 0) {
      station.now.replaceChildren(h("div", { class: "step", "data-done": true }, h("strong", {}, isOver() ? t("Nothing is left to pack.") : t("Everything is packed.")), h("small", {}, t("Scan the number of the next order."))));
      station.foot.replaceChildren(again(), h("a", { class: "main", href: roomUrl("warehouse", "pack") }, t("Next order")));
      return;
    }
    weigh();
    const box = suggestion.cartons[0];
    const words = box && t("Take {carton} for this: {contents} ({percent} % full)", {
      carton: cartons.find(({ code }) => code === box.carton)?.name ?? box.carton, percent: box.filled_percent,
      contents: Object.entries(box.contents).map(([sku, n]) => `${n} × ${sku}`).join(", "),
    });
    const weightLabel = h("label", {}, t("Weight, kg"), weight);
    station.now.replaceChildren(
      words ? h("p", { class: "step" }, words) : "",
      h("ul", { class: "tally", "aria-label": t("Goods") }, ...lines.map((line) => lineOf(line))),
      h("div", { class: "pair" }, h("label", {}, t("Carton"), carton), weightLabel));
    station.foot.replaceChildren(again(),
      large(t("Close the parcel and print its label"), () => station.act(close), "main"));
  };
  const lineOf = (line: Line): HTMLElement => {
    const item = h("li", { "data-done": line.units === line.left, "data-last": line === lastLine },
      h("div", {}, h("strong", {}, line.name), h("small", {}, [line.goods.sku, line.goods.lot].filter(Boolean).join(" · "))));
    const of = h("small", {}, t("{n} of {all}", { n: line.units, all: line.left }));
    item.firstElementChild?.append(of);
    if (line.goods.serials.length === 0) {
      item.append(stepper(line.name, line.units, line.left, (units) => {
        line.units = units;
        item.toggleAttribute("data-done", units === line.left);
        say(of, t("{n} of {all}", { n: units, all: line.left }));
        weigh();
      }));
    }
    return item;
  };
  await begin();
}
