/** The sentences of the console in Spanish, by the English ones, a file for each room. What is missing
 * stays English. */

import type { Sentences } from "../language";
import { BILLING } from "./es/billing";
import { DESK } from "./es/desk";
import { EXCEPTIONS } from "./es/exceptions";
import { FORMS } from "./es/forms";
import { OFFICE } from "./es/office";
import { ORDERS } from "./es/orders";
import { PEOPLE } from "./es/people";
import { PLAN } from "./es/plan";
import { REASONS } from "./es/reasons";
import { REFUSALS } from "./es/refusals";
import { RETURNS } from "./es/returns";
import { SERVER } from "./es/server";
import { SHELL } from "./es/shell";
import { STATES } from "./es/states";
import { STATIONS } from "./es/stations";
import { WAREHOUSE } from "./es/warehouse";

const sentences: Sentences = { ...BILLING, ...DESK, ...EXCEPTIONS, ...FORMS, ...OFFICE, ...ORDERS, ...PEOPLE, ...PLAN, ...REASONS, ...REFUSALS, ...RETURNS, ...SERVER, ...SHELL, ...STATES, ...STATIONS, ...WAREHOUSE };

/** What comes with its values in it already is looked for among these. */
export const SAID_BY_SERVER: Sentences = { ...REASONS, ...REFUSALS };

export default sentences;
