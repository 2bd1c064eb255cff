/** German: how the room returns refuses. */

import type { Sentences } from "../../../language";

export const RETURNS: Sentences = {
  "Line {number} was counted already, as {quantity} units. Settle the difference instead.": "Zeile {number} wurde schon gezählt, mit {quantity} Stück. Erledigen Sie stattdessen den Unterschied.",
  "Line {number} was inspected already: {disposition}.": "Zeile {number} wurde schon geprüft: „{disposition}“.",
  "This difference was settled by {settled_by}.": "Diesen Unterschied hat {settled_by} schon erledigt.",
  "A fee of {fee_minor} is more than what would be paid back, {refund_minor}.": "Eine Gebühr von {fee_minor} ist mehr, als zurückgezahlt würde ({refund_minor}).",
  "Only {received} units of line {number} came, not {quantity}.": "Von Zeile {number} kamen nur {received} Stück, nicht {quantity}.",
  "Consignment {waybill} was delivered to no address from which it could be collected.": "Sendung {waybill} wurde an keine Adresse zugestellt, von der sie abgeholt werden könnte.",
  "This file is no photo that we can show. Send a JPEG, PNG or WebP.": "Diese Datei ist kein Foto, das wir zeigen können. Senden Sie JPEG, PNG oder WebP.",
  "Line {number} was not counted yet, or nothing of it came. Receive the goods first.": "Zeile {number} wurde noch nicht gezählt, oder nichts davon kam. Nehmen Sie die Ware zuerst an.",
  "The order has no line {order_line}. Name one of those that were delivered.": "Der Auftrag hat keine Zeile {order_line}. Nennen Sie eine von denen, die zugestellt wurden.",
  "The parcel “{barcode}” was not delivered with consignment {waybill}, or is on its way back already.": "Das Paket „{barcode}“ wurde nicht mit Sendung {waybill} zugestellt, oder es ist schon auf dem Rückweg.",
  "This exchange waits for no payment; it is {state}.": "Dieser Umtausch wartet auf keine Zahlung; er ist „{state}“.",
  "Nothing of consignment {waybill} can be returned: it was not delivered, or all that was is on its way back already.": "Von Sendung {waybill} kann nichts zurück: Sie wurde nicht zugestellt, oder alles ist schon auf dem Rückweg.",
  "No goods went out for the order {order_id}, or it is not yours.": "Für den Auftrag {order_id} ging keine Ware hinaus, oder er gehört nicht Ihnen.",
  "This exchange was settled already: {settlement}, {reference}.": "Dieser Umtausch wurde schon beglichen: „{settlement}“, {reference}.",
  "For this reason ({reason}) send a photo of the goods, so that we can see it.": "Für diesen Grund ({reason}) senden Sie bitte ein Foto der Ware, damit wir es sehen können.",
  "There is no file {sha256} yet. Send it to /api/returns/photos first.": "Die Datei {sha256} ist noch nicht da. Senden Sie sie zuerst.",
  "Nobody said what {sku} costs, so the difference cannot be reckoned. Give unit_price_minor, or make a return and an order instead.": "Niemand hat angegeben, was {sku} kostet, daher lässt sich der Unterschied nicht berechnen. Geben Sie den Einzelpreis an, oder machen Sie stattdessen eine Retoure und einen Auftrag.",
  "Of line {order_line} ({sku}) {free} units can still come back, not {quantity}: the others were not delivered, or are on their way back already.": "Von Zeile {order_line} ({sku}) können noch {free} Stück zurück, nicht {quantity}: Die anderen wurden nicht zugestellt oder sind schon auf dem Rückweg.",
  "There is no return {return_id}, or it is not yours.": "Es gibt keine Retoure {return_id}, oder sie gehört nicht Ihnen.",
  "There is no difference {difference_id}.": "Es gibt keinen Unterschied {difference_id}.",
  "There is no exchange {exchange_id}, or it is not yours.": "Es gibt keinen Umtausch {exchange_id}, oder er gehört nicht Ihnen.",
  "There is no return line {line_id}, or it is not yours.": "Es gibt keine Retourenzeile {line_id}, oder sie gehört nicht Ihnen.",
  "This return has no photo {sha256}.": "Diese Retoure hat kein Foto {sha256}.",
  "There is no reason “{reason}”. Choose one of /api/return-reasons.": "Es gibt keinen Grund „{reason}“. Wählen Sie einen der Retourengründe.",
  "Say which goods come back: give either consignment_id or order_id.": "Geben Sie an, welche Ware zurückkommt: entweder die Sendung oder den Auftrag.",
  "For this reason ({reason}) goods can be returned within {window_days} days after their delivery, which was on {delivered_on}. Ask the office if you think they should be taken.": "Für diesen Grund ({reason}) kann Ware innerhalb von {window_days} Tagen nach der Zustellung zurück, und die war am {delivered_on}. Fragen Sie das Büro, wenn Sie meinen, dass sie doch genommen werden sollte.",
  "These are the company's rules, which hold for all accounts. Give the id of yours.": "Das sind die Regeln der Firma, die für alle Konten gelten. Geben Sie das eigene Konto an.",
};
