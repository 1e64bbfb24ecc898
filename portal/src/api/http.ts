import createClient from "openapi-fetch";
import type { paths } from "./generated/schema";
import { problemOf, unreachable } from "./problem";

// What every request carries, in one place: the CSRF token, the chosen tenant, and a key that makes a repeat harmless.
let csrfToken: string | null = null;
let tenantId: string | null = null;
const keysInFlight = new Map<string, string>();

export function setCsrfToken(token: string | null) { csrfToken = token; }
export function setTenant(id: string | null) { tenantId = id; }

export const api = createClient<paths>({ fetch: send });

/** For the contract's sake: the real key is chosen when the request is sent, the same one for every repeat of it. */
export const keyed = { header: { "Idempotency-Key": "chosen when sent" } };

/** The body of a good answer. Anything else has been thrown as a ProblemError already. */
export async function answer<Data>(call: Promise<{ data?: Data }>): Promise<Data> {
  return (await call).data as Data;
}

async function send(request: Request): Promise<Response> {
  const intent = `${request.method} ${request.url} ${request.method === "GET" ? "" : await request.clone().text()}`;
  let response: Response;
  try {
    response = await globalThis.fetch(new Request(request, { headers: headersFor(request, intent), credentials: "same-origin" }));
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
  // The outcome is known now, so the next press of the button is a new intention and gets a new key.
  if (response.status < 500) keysInFlight.delete(intent);
  if (!response.ok) throw await problemOf(response);
  return response;
}

function headersFor(request: Request, intent: string): Headers {
  const headers = new Headers(request.headers);
  headers.set("Accept", "application/json");
  if (tenantId) headers.set("X-Aif-Tenant", tenantId);
  if (request.method === "GET") return headers;
  if (csrfToken) headers.set("X-CSRF-Token", csrfToken);
  const key = keysInFlight.get(intent) ?? crypto.randomUUID();
  keysInFlight.set(intent, key);
  headers.set("Idempotency-Key", key);
  return headers;
}
