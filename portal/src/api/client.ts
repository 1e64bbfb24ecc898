import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { answer, api, setCsrfToken, setTenant } from "./http";
import { ProblemError } from "./problem";
import type { Session } from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (count, error) => count < 2 && isTransient(error), refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
});

function isTransient(error: unknown): boolean {
  return error instanceof ProblemError && (error.status === 0 || error.status >= 502);
}

const TENANT_CHOICE = "aifactory.tenant";
const ANONYMOUS: Session = {
  authenticated: false, principal: null, tenant: null, tenants: [], projects: [], roles: [], permissions: [],
  csrf_token: null, operator: false,
};

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<Session> => {
    setTenant(readChoice(TENANT_CHOICE));
    const session = await readSession().catch(forgetTenantAndRetry);
    setCsrfToken(session.csrf_token);
    return { ...ANONYMOUS, ...session };
  },
  staleTime: 60_000,
});

const readSession = () => answer(api.GET("/api/v3/auth/session")) as Promise<Session>;

// A tenant chosen by an earlier user of this browser must not lock the next one out.
async function forgetTenantAndRetry(error: unknown): Promise<Session> {
  if (!(error instanceof ProblemError) || error.status < 400 || error.status >= 500) throw error;
  writeChoice(TENANT_CHOICE, null);
  setTenant(null);
  return readSession();
}

export function useSession(): Session {
  return useQuery(sessionQuery).data ?? ANONYMOUS;
}

export async function switchTenant(id: string) {
  writeChoice(TENANT_CHOICE, id);
  await queryClient.invalidateQueries();
}

export function readChoice(name: string): string | null {
  try {
    return globalThis.localStorage?.getItem(name) ?? null;
  } catch {
    return null;
  }
}

export function writeChoice(name: string, value: string | null) {
  try {
    if (value === null) globalThis.localStorage?.removeItem(name);
    else globalThis.localStorage?.setItem(name, value);
  } catch {
    // Blocked storage means that the choice lasts for this page only.
  }
}
