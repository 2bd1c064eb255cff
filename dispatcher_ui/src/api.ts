/** Calls to the server. A refusal becomes an error whose message a person can act on. */

export interface Person {
  name: string;
  role: string;
  must_change_password: boolean;
}

export interface SignedIn {
  person: Person;
  csrf_token: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const getMe = (): Promise<SignedIn> => call("GET", "/api/me");

export const logIn = (email: string, password: string): Promise<SignedIn> =>
  call("POST", "/api/login", { email, password });

export const changePassword = (
  oldPassword: string,
  newPassword: string,
  csrfToken: string,
): Promise<SignedIn> =>
  call(
    "POST",
    "/api/me/password",
    { old_password: oldPassword, new_password: newPassword },
    csrfToken,
  );

export const logOut = (csrfToken: string): Promise<void> =>
  call("POST", "/api/logout", undefined, csrfToken);

/** The roads of a run, from the depot through its stops and back. */
export const getWay = (runId: string): Promise<{ coordinates: [number, number][] }> =>
  call("GET", `/api/runs/${runId}/way`);

async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  csrfToken?: string,
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken !== undefined) headers["X-CSRF-Token"] = csrfToken;
  const request: RequestInit = { method, headers };
  if (body !== undefined) request.body = JSON.stringify(body);
  const answer = await fetch(path, request);
  if (!answer.ok) throw new Refusal(answer.status, await detailOf(answer));
  return (answer.status === 204 ? undefined : await answer.json()) as Answer;
}

/** The sentence of a problem document; of any other answer its status. */
async function detailOf(answer: Response): Promise<string> {
  try {
    const { detail } = (await answer.json()) as { detail: unknown };
    if (typeof detail === "string") return detail;
  } catch {
    // Not from Postrider but from something between: only the status is known.
  }
  return `The server answered ${answer.status}. Try again in a moment.`;
}
