/** Spanish: how the room fulfilment refuses. */

import type { Sentences } from "../../../language";

export const FULFILMENT: Sentences = {
  "This fulfilment is {state}. Only one that nobody works on yet can be put on hold.": "Esta preparación está «{state}». Solo se puede retener una en la que nadie trabaje aún.",
  "Parcels were packed in carton {carton} already, so its size stays. Make a new one.": "Ya se empaquetó en la caja {carton}, así que su tamaño se queda. Cree una nueva.",
  "The warehouse works for all accounts at once. Take a key that is not confined to one.": "El almacén trabaja para todas las cuentas a la vez. Use una clave que no esté limitada a una.",
  "Only {asked} units of {sku} are to be taken at {location}, not {quantity}. Lay the rest back.": "En {location} solo hay que tomar {asked} unidades de {sku}, no {quantity}. Devuelva el resto.",
  "{path} is no warehouse. Name one, and a zone within it if only that is to be picked.": "{path} no es un almacén. Indique uno, y una zona dentro si solo se toma de ahí.",
  "{path} is not in that warehouse. Name a zone within it.": "{path} no está en ese almacén. Indique una zona que lo esté.",
  "These goods weigh {least_g} g by their SKUs, so the parcel cannot weigh {weight_g} g. Weigh it again, or correct the SKU.": "Según sus artículos esto pesa {least_g} g, así que el paquete no puede pesar {weight_g} g. Péselo otra vez o corrija el artículo.",
  "Say how many units you took; if the shelf is empty, say so with `short`.": "Indique cuántas unidades tomó; si el estante está vacío, dígalo.",
  "Only {there} picked units of {sku} wait to be packed for this order, not {quantity}. Pick them first, or look into the parcels that are closed.": "Solo {there} unidades preparadas de {sku} esperan para este pedido, no {quantity}. Tómelas primero, o mire en los paquetes cerrados.",
  "There is nothing to pick there now. What is left is in other waves, or waits for stock.": "Ahí no hay nada que tomar ahora. El resto está en otras oleadas o espera existencias.",
  "Nothing more of {sku} is to be taken at {location} in this wave: it was scanned before, or its order was cancelled, or it lies elsewhere. Ask for what is next.": "De {sku} no hay nada más que tomar en {location} en esta oleada: ya se escaneó, se canceló el pedido o está en otro sitio. Pida lo siguiente.",
  "Order {order} was cancelled. Put the goods back.": "El pedido {order} se canceló. Devuelva la mercancía a su sitio.",
  "{sku} cannot stand in for itself. Name another SKU of the same account.": "{sku} no puede sustituirse a sí mismo. Indique otro artículo de la misma cuenta.",
  "At {location} lie several kinds of {sku} for this wave. Give the lot, or the task.": "En {location} hay varias clases de {sku} para esta oleada. Indique el lote o la toma.",
  "Give the {quantity} serial numbers of {sku} that go into this parcel, as they were picked.": "Indique los {quantity} números de serie de {sku} que van en este paquete, tal como se tomaron.",
  "A carton {carton} holds {max_weight_g} g, and these goods weigh {weight_g} g. Take a larger one, or two.": "Una caja {carton} aguanta {max_weight_g} g y esto pesa {weight_g} g. Use una mayor, o dos.",
  "There is no fulfilment {fulfilment_id}. Look for it at /api/fulfilments.": "No existe la preparación {fulfilment_id}.",
  "There is no carton “{carton}” in use. Look at /api/cartons.": "No hay ninguna caja «{carton}» en uso.",
  "There is no warehouse person {person_id}. Leave it out to pick yourself.": "No existe esa persona de almacén ({person_id}). No la indique si prepara usted.",
  "There is no put-back task {task_id}. Look for it at /api/put-backs.": "No existe esa devolución al estante ({task_id}).",
  "There is no shortage {shortage_id}. Look for it at /api/shortages.": "No existe la falta {shortage_id}.",
  "There is no pick wave {wave_id}. Look for it at /api/pick-waves.": "No existe la oleada de picking {wave_id}.",
  "This pick wave is {state}. Start a new one.": "Esta oleada de picking está «{state}». Empiece otra.",
  "These goods belong at {location}. Scan that shelf, not “{scanned}”.": "Esto va en {location}. Escanee ese estante, no «{scanned}».",
};
