/** The sentences of the console in German, by the English ones, a file for each room. What is missing
 * stays English. */

import type { Sentences } from "../language";
import { BILLING } from "./de/billing";
import { DESK } from "./de/desk";
import { EXCEPTIONS } from "./de/exceptions";
import { FORMS } from "./de/forms";
import { OFFICE } from "./de/office";
import { ORDERS } from "./de/orders";
import { PEOPLE } from "./de/people";
import { PLAN } from "./de/plan";
import { REASONS } from "./de/reasons";
import { REFUSALS } from "./de/refusals";
import { RETURNS } from "./de/returns";
import { SERVER } from "./de/server";
import { SHELL } from "./de/shell";
import { STATES } from "./de/states";
import { STATIONS } from "./de/stations";
import { WAREHOUSE } from "./de/warehouse";

const sentences: Sentences = { ...BILLING, ...DESK, ...EXCEPTIONS, ...FORMS, ...OFFICE, ...ORDERS, ...PEOPLE, ...PLAN, ...REASONS, ...REFUSALS, ...RETURNS, ...SERVER, ...SHELL, ...STATES, ...STATIONS, ...WAREHOUSE };

/** What comes with its values in it already is looked for among these. */
export const SAID_BY_SERVER: Sentences = { ...REASONS, ...REFUSALS };

export default sentences;
