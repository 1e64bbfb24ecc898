// What the gallery shows its components with. Made up, and said to be so on the page.
import { ProblemError } from "../../api/problem";
import type { ListState } from "../../api/list";
import type { Quota, Transition } from "../../api/types";

export interface Sample { id: string; name: string; state: string; price: { amount: string; currency: string }; created_at: string }

export const STATES = ["requested", "starting", "active", "draining", "released", "refused", "failed", "quarantined", "something_new"];

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

export function sampleList(): ListState<Sample> {
  const items = ["training", "notebook", "evaluation"].map((name, index) => ({
    id: `alloc_${"0".repeat(25)}${index}`, name, state: ["active", "starting", "released"][index] ?? "active",
    price: { amount: ["0.12", "2.40", "18.75"][index] ?? "0", currency: "EUR" }, created_at: minutesAgo(30 * (index + 1)),
  }));
  return { items, isPending: false, error: null, hasMore: false, updatedAt: Date.now(), loadMore: () => undefined, refresh: () => undefined };
}

export function sampleTransitions(): Transition[] {
  const path = ["requested", "placing", "preparing", "starting"];
  return path.map((to_state, index) => ({
    seq: index + 1, from_state: path[index - 1] ?? "", to_state, at: minutesAgo(3 - index * 0.8), actor: "flow", why: "", deadline_seconds: 120,
  })) as unknown as Transition[];
}

export const sampleProblem = new ProblemError({
  type: "about:blank", status: 409, code: "quota_exceeded", title: "The quota is used up",
  detail: "This needs 8 vCPUs and the project has 2 left.", todo: "Release something, or ask your operator for more.",
  request_id: "req_0123456789abcdef",
});

export const sampleQuota = { project_id: "prj_1", resource: "vcpus", used: 6, limit: 8 } as unknown as Quota;
