/** The sentences of the console in German, by the English ones, a file for each room. What is missing
 * stays English. One word for one thing; people are addressed by "Sie", or not at all.
 *
 *     account       Konto                       pickup point  Abholstelle
 *     allocation    Zuweisung                   pin           auf die Karte setzen
 *     charge        Entgelt                     pool          Pool
 *     consignee     Empfänger                   promise       Zusage
 *     consignor     Absender                    proof         Nachweis
 *     consignment   Sendung                     quote         Angebot
 *     container     Behälter                    return        Retoure
 *     credit note   Gutschrift                  run           Tour
 *     dispatcher    Disposition                 settlement    Abrechnung
 *     exception     Ausnahme                    shelf         Fach
 *     exchange      Umtausch                    shift         Schicht
 *     fulfilment    Ausführung                  shortage      Fehlmenge
 *     geofence      Geozone                     SKU           Artikel
 *     hand-over     Übergabe                    stop          Halt
 *     location      Lagerort                    task          Aufgabe
 *     lock          fixieren                    tracking link Verfolgungslink
 *     lot           Charge                      waybill       Frachtbrief
 *     order         Auftrag                     window        Zeitfenster
 *     pick wave     Kommissionierwelle
 */

import type { Sentences } from "../language";
import { BILLING } from "./de/billing";
import { CODES } from "./de/codes";
import { DESK } from "./de/desk";
import { EXCEPTIONS } from "./de/exceptions";
import { FORMS } from "./de/forms";
import { OFFICE } from "./de/office";
import { ORDERS } from "./de/orders";
import { PEOPLE } from "./de/people";
import { PLAN } from "./de/plan";
import { PRICES } from "./de/prices";
import { REASONS } from "./de/reasons";
import { REFUSALS } from "./de/refusals";
import { RETURNS } from "./de/returns";
import { SERVER } from "./de/server";
import { SHELL } from "./de/shell";
import { STATES } from "./de/states";
import { STATIONS } from "./de/stations";
import { WAREHOUSE } from "./de/warehouse";

const sentences: Sentences = { ...BILLING, ...CODES, ...DESK, ...EXCEPTIONS, ...FORMS, ...OFFICE, ...ORDERS, ...PEOPLE, ...PLAN, ...PRICES, ...REASONS, ...REFUSALS, ...RETURNS, ...SERVER, ...SHELL, ...STATES, ...STATIONS, ...WAREHOUSE };

/** What comes with its values in it already is looked for among these. */
export const SAID_BY_SERVER: Sentences = { ...REASONS, ...REFUSALS, ...PRICES };

export default sentences;
