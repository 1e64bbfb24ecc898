import type { Allocation, LaunchDraft, Wallet } from "../../api/types";
import { toNano } from "../../ui/money";

/** Something that waits for a person, and where it is dealt with. */
export interface Attention { id: string; tone: "warning" | "info"; title: string; detail: string; href: string; action: string }

const DAY_MS = 86_400_000;
const SOON_HOURS = 24n;
const MOST_FAILURES = 3;

interface Known { allocations: Allocation[]; wallet: Wallet | undefined; draft: LaunchDraft | undefined; now: Date }

export function attentionOf({ allocations, wallet, draft, now }: Known): Attention[] {
  return [...creditEnds(allocations, wallet), ...neverRan(allocations, now), ...unfinished(draft)];
}

/** Credit that ends within a day at what is spent now. */
function creditEnds(allocations: Allocation[], wallet: Wallet | undefined): Attention[] {
  const active = allocations.filter(({ state, price }) => state === "active" && price.currency === wallet?.currency);
  const perHour = active.reduce((sum, { price }) => sum + toNano(price.amount), 0n);
  if (!wallet || perHour <= 0n) return [];
  const hours = toNano(wallet.available.amount) / perHour;
  if (hours >= SOON_HOURS) return [];
  const left = hours < 1n ? "less than an hour" : `about ${hours} hour${hours === 1n ? "" : "s"}`;
  return [{
    id: "credit", tone: "warning", title: `Credit lasts ${left}`, href: "/statement", action: "See the statement",
    detail: "At what runs now. When it ends, what runs is released. Release something, or ask your operator for credit.",
  }];
}

/** What was asked for within a day and never ran. */
function neverRan(allocations: Allocation[], now: Date): Attention[] {
  const failed = allocations.filter(({ state, created_at }) => (state === "refused" || state === "failed") && now.getTime() - Date.parse(created_at) < DAY_MS);
  return failed.slice(0, MOST_FAILURES).map((item) => ({
    id: item.id, tone: "warning", title: `${item.name} ${item.state === "refused" ? "was refused" : "did not start"}`, href: `/allocations/${item.id}`, action: "See why",
    detail: item.refusal?.detail ?? item.failure?.detail ?? "Nothing was charged.",
  }));
}

function unfinished(draft: LaunchDraft | undefined): Attention[] {
  if (!draft) return [];
  const name = typeof draft.form.name === "string" ? draft.form.name : "";
  return [{
    id: draft.id, tone: "info", title: `You have an unfinished launch${name ? `: ${name}` : ""}`, href: `/launch?draft=${draft.id}`, action: "Go on with it",
    detail: "Nothing is reserved for it, and nothing is charged.",
  }];
}
