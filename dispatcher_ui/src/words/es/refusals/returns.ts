/** Spanish: how the room returns refuses. */

import type { Sentences } from "../../../language";

export const RETURNS: Sentences = {
  "Line {number} was counted already, as {quantity} units. Settle the difference instead.": "La línea {number} ya se contó, con {quantity} unidades. Resuelva mejor la diferencia.",
  "Line {number} was inspected already: {disposition}.": "La línea {number} ya se inspeccionó: «{disposition}».",
  "This difference was settled by {settled_by}.": "Esta diferencia ya la resolvió {settled_by}.",
  "A fee of {fee_minor} is more than what would be paid back, {refund_minor}.": "Una tasa de {fee_minor} supera lo que se devolvería, {refund_minor}.",
  "Only {received} units of line {number} came, not {quantity}.": "De la línea {number} solo llegaron {received} unidades, no {quantity}.",
  "Consignment {waybill} was delivered to no address from which it could be collected.": "El envío {waybill} no se entregó en ninguna dirección de la que recogerlo.",
  "This file is no photo that we can show. Send a JPEG, PNG or WebP.": "Este archivo no es una foto que podamos mostrar. Envíe JPEG, PNG o WebP.",
  "Line {number} was not counted yet, or nothing of it came. Receive the goods first.": "La línea {number} aún no se contó, o no llegó nada de ella. Reciba antes la mercancía.",
  "The order has no line {order_line}. Name one of those that were delivered.": "El pedido no tiene la línea {order_line}. Indique una de las entregadas.",
  "The parcel “{barcode}” was not delivered with consignment {waybill}, or is on its way back already.": "El paquete «{barcode}» no se entregó con el envío {waybill}, o ya está de vuelta.",
  "This exchange waits for no payment; it is {state}.": "Este cambio no espera ningún pago; está «{state}».",
  "Nothing of consignment {waybill} can be returned: it was not delivered, or all that was is on its way back already.": "Del envío {waybill} no se puede devolver nada: no se entregó, o todo está ya de vuelta.",
  "No goods went out for the order {order_id}, or it is not yours.": "No salió ningún artículo para el pedido {order_id}, o no es suyo.",
  "This exchange was settled already: {settlement}, {reference}.": "Este cambio ya se pagó: «{settlement}», {reference}.",
  "For this reason ({reason}) send a photo of the goods, so that we can see it.": "Por este motivo ({reason}) envíe una foto de la mercancía, para que podamos verlo.",
  "There is no file {sha256} yet. Send it to /api/returns/photos first.": "El archivo {sha256} aún no está. Envíelo primero.",
  "Nobody said what {sku} costs, so the difference cannot be reckoned. Give unit_price_minor, or make a return and an order instead.": "Nadie indicó cuánto cuesta {sku}, así que no se puede calcular la diferencia. Indique el precio por unidad, o haga una devolución y un pedido.",
  "Of line {order_line} ({sku}) {free} units can still come back, not {quantity}: the others were not delivered, or are on their way back already.": "De la línea {order_line} ({sku}) aún pueden volver {free} unidades, no {quantity}: las otras no se entregaron o ya están de vuelta.",
  "There is no return {return_id}, or it is not yours.": "No existe la devolución {return_id}, o no es suya.",
  "There is no difference {difference_id}.": "No existe la diferencia {difference_id}.",
  "There is no exchange {exchange_id}, or it is not yours.": "No existe el cambio {exchange_id}, o no es suyo.",
  "There is no return line {line_id}, or it is not yours.": "No existe la línea de devolución {line_id}, o no es suya.",
  "This return has no photo {sha256}.": "Esta devolución no tiene la foto {sha256}.",
  "There is no reason “{reason}”. Choose one of /api/return-reasons.": "No existe el motivo «{reason}». Elija uno de los motivos de devolución.",
  "Say which goods come back: give either consignment_id or order_id.": "Indique qué vuelve: el envío o el pedido.",
  "For this reason ({reason}) goods can be returned within {window_days} days after their delivery, which was on {delivered_on}. Ask the office if you think they should be taken.": "Por este motivo ({reason}) se puede devolver dentro de los {window_days} días desde la entrega, que fue el {delivered_on}. Pregunte a la oficina si cree que debe aceptarse.",
  "These are the company's rules, which hold for all accounts. Give the id of yours.": "Estas son las reglas de la empresa, que valen para todas las cuentas. Indique la suya.",
};
