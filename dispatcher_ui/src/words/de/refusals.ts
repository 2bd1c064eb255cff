/** German: how the server refuses, a file for each of its rooms. */

import type { Sentences } from "../../language";
import { ACCOUNTS } from "./refusals/accounts";
import { BILLING } from "./refusals/billing";
import { CHANNELS } from "./refusals/channels";
import { CONSIGNMENTS } from "./refusals/consignments";
import { DISPATCH } from "./refusals/dispatch";
import { FULFILMENT } from "./refusals/fulfilment";
import { IDENTITY } from "./refusals/identity";
import { INVENTORY } from "./refusals/inventory";
import { KIT } from "./refusals/kit";
import { LIVE } from "./refusals/live";
import { ORDERS } from "./refusals/orders";
import { PLACES } from "./refusals/places";
import { RETURNS } from "./refusals/returns";

export const REFUSALS: Sentences = { ...ACCOUNTS, ...BILLING, ...CHANNELS, ...CONSIGNMENTS, ...DISPATCH, ...FULFILMENT, ...IDENTITY, ...INVENTORY, ...KIT, ...LIVE, ...ORDERS, ...PLACES, ...RETURNS };
