/** The rooms of the console: what each is called, who may enter it, and how it is opened. */

import type { Role } from "./api";

/** Where a room is shown and what the URL says of it. signal: ends when the room is left. */
export interface View {
  place: HTMLElement;
  segments: string[];
  query: URLSearchParams;
  signal: AbortSignal;
}

export interface Room {
  path: string;
  title: string;
  roles: Role[];
  load?: () => Promise<{ open: (view: View) => Promise<void> }>;
}

const DISPATCH: Role[] = ["admin", "dispatcher"];
const OFFICE: Role[] = [...DISPATCH, "clerk"];
const STAFF: Role[] = [...OFFICE, "warehouse"];
const MONEY: Role[] = ["admin", "clerk"];
/** Of an account: the rooms show them less, and only what is theirs. */
const CUSTOMER: Role = "account_user";

/** The live room has no `load`: it is part of the page. */
export const ROOMS: Room[] = [
  { path: "", title: "Live map", roles: DISPATCH },
  { path: "exceptions", title: "Exceptions", roles: OFFICE, load: () => import("./rooms/exceptions") },
  { path: "orders", title: "Orders", roles: [...STAFF, CUSTOMER], load: () => import("./rooms/orders") },
  { path: "plan", title: "Plan", roles: OFFICE, load: () => import("./rooms/plan") },
  { path: "day", title: "Trails", roles: DISPATCH, load: () => import("./rooms/trails") },
  { path: "returns", title: "Returns", roles: [...STAFF, CUSTOMER], load: () => import("./rooms/returns") },
  { path: "warehouse", title: "Warehouse", roles: STAFF, load: () => import("./rooms/warehouse") },
  { path: "billing", title: "Billing", roles: [...MONEY, CUSTOMER], load: () => import("./rooms/billing") },
  { path: "people", title: "People", roles: OFFICE, load: () => import("./rooms/people") },
  { path: "reports", title: "Reports", roles: MONEY, load: () => import("./rooms/reports") },
  { path: "company", title: "Company", roles: MONEY, load: () => import("./rooms/company") },
  { path: "keys", title: "Keys and audit", roles: ["admin"], load: () => import("./rooms/keys") },
];

export const roomUrl = (...segments: string[]): string =>
  ["/dispatch", ...segments.filter(Boolean)].join("/");
