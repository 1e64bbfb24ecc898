import ProgressBar from "@cloudscape-design/components/progress-bar";
import type { Quota } from "../api/types";
import { resourceName } from "./resource-name";

// A project's or a whole tenant's.
type Held = Pick<Quota, "resource" | "limit" | "used">;

/** How much of a quota is used. `adds`: what the form beside it would take on top. */
export function QuotaGauge({ quota, adds = 0 }: { quota: Held; adds?: number }) {
  const share = quota.limit > 0 ? Math.min(100, (100 * quota.used) / quota.limit) : 0;
  return (
    <ProgressBar
      value={share}
      label={`Quota: ${resourceName(quota.resource)}`}
      additionalInfo={`${quota.used} of ${quota.limit} used${whatNext(quota, adds)}`}
    />
  );
}

function whatNext({ used, limit }: Held, adds: number): string {
  if (adds > 0 && used + adds > limit) return `; this takes ${adds} more, which is too much. Release something or ask your operator for more.`;
  if (adds > 0) return `; this takes ${adds} more`;
  return used >= limit ? ". Release something or ask your operator for more." : "";
}
