/** The sentences of the console in Spanish, by the English ones, a file for each room. What is missing
 * stays English. One word for one thing; people are addressed by "usted".
 *
 *     account       cuenta                      pickup point  punto de recogida
 *     allocation    asignación                  pin           situar en el mapa
 *     charge        cargo                       pool          lista de espera
 *     consignee     destinatario                promise       promesa
 *     consignor     remitente                   proof         prueba
 *     consignment   envío                       quote         presupuesto
 *     container     contenedor                  return        devolución
 *     credit note   abono                       run           ruta
 *     dispatcher    tráfico                     settlement    liquidación
 *     exception     incidencia                  shelf         estante
 *     exchange      cambio                      shift         turno
 *     fulfilment    preparación                 shortage      falta
 *     geofence      geocerca                    SKU           artículo
 *     hand-over     traspaso                    stop          parada
 *     location      ubicación                   task          tarea
 *     lock          fijar                       tracking link enlace de seguimiento
 *     lot           lote                        waybill       albarán
 *     order         pedido                      window        franja
 *     pick wave     oleada de picking
 */

import type { Sentences } from "../language";
import { BILLING } from "./es/billing";
import { CODES } from "./es/codes";
import { DESK } from "./es/desk";
import { EXCEPTIONS } from "./es/exceptions";
import { FORMS } from "./es/forms";
import { OFFICE } from "./es/office";
import { ORDERS } from "./es/orders";
import { PEOPLE } from "./es/people";
import { PLAN } from "./es/plan";
import { PRICES } from "./es/prices";
import { REASONS } from "./es/reasons";
import { REFUSALS } from "./es/refusals";
import { RETURNS } from "./es/returns";
import { SERVER } from "./es/server";
import { SHELL } from "./es/shell";
import { STATES } from "./es/states";
import { STATIONS } from "./es/stations";
import { WAREHOUSE } from "./es/warehouse";

const sentences: Sentences = { ...BILLING, ...CODES, ...DESK, ...EXCEPTIONS, ...FORMS, ...OFFICE, ...ORDERS, ...PEOPLE, ...PLAN, ...PRICES, ...REASONS, ...REFUSALS, ...RETURNS, ...SERVER, ...SHELL, ...STATES, ...STATIONS, ...WAREHOUSE };

/** What comes with its values in it already is looked for among these. */
export const SAID_BY_SERVER: Sentences = { ...REASONS, ...REFUSALS, ...PRICES };

export default sentences;
