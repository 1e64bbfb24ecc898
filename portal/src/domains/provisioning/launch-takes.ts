import type { CatalogItem, Quota } from "../../api/types";
import { resourceName } from "../../ui/resource-name";
import type { LaunchForm } from "./launch-form";

/** What one launch takes from the project's quota, by resource. */
export function takes(form: Pick<LaunchForm, "volumeChoice" | "volumeGb">, item: CatalogItem | undefined): Record<string, number> {
  const taken: Record<string, number> = item ? { allocations: 1, vcpus: Math.ceil(item.resources.vcpus) } : {};
  if (form.volumeChoice === "new") Object.assign(taken, { volumes: 1, volume_gb: Number(form.volumeGb) || 0 });
  return taken;
}

type Held = Pick<Quota, "resource" | "limit" | "used">;

/** What this does not fit into, in words: the project's quota, or the tenant's for all projects; undefined when it fits. */
export function overQuota(taken: Record<string, number>, project: Held[], tenant: Held[]): string | undefined {
  const short = (held: Held) => (taken[held.resource] ?? 0) > 0 && held.used + (taken[held.resource] ?? 0) > held.limit;
  const own = project.find(short);
  const over = own ?? tenant.find(short);
  if (!over) return undefined;
  const left = Math.max(0, over.limit - over.used);
  return `Over the ${own ? "project's" : "tenant's"} quota: takes ${taken[over.resource]} ${resourceName(over.resource)}, ${left} of ${over.limit} left`;
}
