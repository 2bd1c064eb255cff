/** Calls to the server. A refusal becomes an error whose message a person can act on, in their
 * language. */

import { t } from "./language";
import { refusalWords, type Problem } from "./server_words";

export type Role = "admin" | "dispatcher" | "warehouse" | "clerk" | "driver" | "account_user";

export interface Person {
  id: string;
  name: string;
  role: Role;
  must_change_password: boolean;
}

export interface SignedIn {
  person: Person;
  csrf_token: string;
}

export interface Page<Row> {
  items: Row[];
  next: string | null;
}

type Query = Record<string, string | number | boolean | null | undefined>;

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(refusalWords(problem));
  }
}

let csrfToken: string | undefined;
let person: Person | undefined;
let signInAgain: (() => Promise<void>) | undefined;

/** ask: called when the session has ended; it resolves when somebody has signed in again, and the
 * call that was refused is made once more, so nothing that was typed is lost. */
export function whenSignedOut(ask: () => Promise<void>): void {
  signInAgain = ask;
}

/** Whether somebody of an account is signed in, who sees its own things only. */
export const isCustomer = (): boolean => person?.role === "account_user";

/** Under this name the tab keeps which page was wanted before signing in. */
export const WANTED_PAGE = "wanted page";

/** What whoever is signed in may do. */
export const isOneOf = (...roles: Role[]): boolean => person !== undefined && roles.includes(person.role);

export async function getMe(): Promise<SignedIn> {
  return remember(await once<SignedIn>("GET", "/api/me"));
}

export async function logIn(email: string, password: string): Promise<SignedIn> {
  return remember(await once<SignedIn>("POST", "/api/login", { email, password }));
}

export const changePassword = (oldPassword: string, newPassword: string): Promise<SignedIn> =>
  once("POST", "/api/me/password", { old_password: oldPassword, new_password: newPassword });

export const logOut = (): Promise<void> => once("POST", "/api/logout");

/** The roads of a run, from the depot through its stops and back. */
export const getWay = (runId: string): Promise<{ coordinates: [number, number][] }> =>
  get(`/api/runs/${runId}/way`);

export const get = <Answer>(path: string, query: Query = {}): Promise<Answer> =>
  call("GET", path + queryText(query));

/** key: sent as Idempotency-Key, the same for every attempt at the same thing. */
export const send = <Answer>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  key?: string,
): Promise<Answer> => call(method, path, body, key);

/** All rows of a paginated list, or of one that comes whole. */
export async function getAll<Row>(path: string, query: Query = {}): Promise<Row[]> {
  const rows: Row[] = [];
  let after: string | null = null;
  do {
    const page: Page<Row> | Row[] = await get(path, { ...query, after });
    if (Array.isArray(page)) return page;
    rows.push(...page.items);
    after = page.next ?? null;
  } while (after !== null);
  return rows;
}

/** Also where a browser knows no crypto.randomUUID: away from localhost without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function queryText(query: Query): string {
  const told = Object.entries(query).filter(([, value]) => value != null && value !== "");
  if (told.length === 0) return "";
  return `?${new URLSearchParams(told.map(([name, value]) => [name, String(value)]))}`;
}

async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  key?: string,
): Promise<Answer> {
  try {
    return await once(method, path, body, key);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.problem.code === "identity.csrf_token_wrong") await takeUpSession();
    else if (error.status === 401 && signInAgain) await signInAgain();
    else throw error;
    return once(method, path, body, key);
  }
}

/** In another tab somebody has signed out and in again: this one goes on with that session, but not
 * in the name of somebody else. */
async function takeUpSession(): Promise<void> {
  const now = await once<SignedIn>("GET", "/api/me");
  if (person !== undefined && person.id !== now.person.id) {
    throw new Error(t("{name} has signed in in another tab. Load this page again.", { name: now.person.name }));
  }
  remember(now);
}

let asking = 0;

/** The page itself says while it waits for an answer: for the eye, and for whoever must wait. */
function countAsking(by: number): void {
  asking += by;
  document.body.toggleAttribute("data-asking", asking > 0);
}

async function once<Answer>(
  method: string,
  path: string,
  body?: unknown,
  key?: string,
): Promise<Answer> {
  countAsking(1);
  try {
    return await askServer(method, path, body, key);
  } finally {
    countAsking(-1);
  }
}

async function askServer<Answer>(
  method: string,
  path: string,
  body?: unknown,
  key?: string,
): Promise<Answer> {
  const headers: Record<string, string> = {};
  const request: RequestInit = { method, headers };
  if (body instanceof Blob) {
    request.body = body;
    headers["Content-Type"] = body.type || "application/octet-stream";
  } else if (body !== undefined) {
    request.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  if (method !== "GET" && csrfToken !== undefined) headers["X-CSRF-Token"] = csrfToken;
  if (key !== undefined) headers["Idempotency-Key"] = key;
  let answer: Response;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new Refusal(0, { code: "away", detail: t("The server cannot be reached. Try again.") });
  }
  if (!answer.ok) throw new Refusal(answer.status, await problemOf(answer));
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

function remember(signedIn: SignedIn): SignedIn {
  csrfToken = signedIn.csrf_token;
  person = signedIn.person;
  return signedIn;
}

/** The reason given; of an answer that gives none its status. */
async function problemOf(answer: Response): Promise<Problem> {
  try {
    const problem = (await answer.json()) as Problem;
    if (typeof problem.detail === "string") return problem;
  } catch {
    // Not from Postrider but from something between: only the status is known.
  }
  return { code: "unknown", detail: t("The server answered {status}. Try again in a moment.", { status: answer.status }) };
}
