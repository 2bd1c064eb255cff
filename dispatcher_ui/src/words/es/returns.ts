/** Spanish: the room returns. */

import type { Sentences } from "../../language";

export const RETURNS: Sentences = {
  "Announced": "Anunciado",
  "Approve": "Aprobar",
  "Book the pickup": "Reservar la recogida",
  "Comes back as": "Vuelve como",
  "Decline": "Rechazar",
  "Differences": "Diferencias",
  "Fee": "Tasa",
  "For goods of the stock that stay": "Para la mercancía del almacén que se queda",
  "Found to be": "Estado hallado",
  "Goes to": "Va a",
  "Inspect {goods}": "Inspeccionar {goods}",
  "No return is like this.": "Ninguna devolución así.",
  "Open the box": "Abrir la caja",
  "Picture of {goods}": "Foto de {goods}",
  "Refund": "Reembolso",
  "Resolve": "Resolver",
  "They bring it": "Lo traen",
  "To pay back": "Por devolver",
  "Was delivered as": "Se entregó como",
  "1 parcel": "1 paquete",
  "{n} parcels": "{n} paquetes",
  "← Returns": "← Devoluciones",
};
