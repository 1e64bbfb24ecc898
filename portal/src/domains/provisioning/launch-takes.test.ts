import { describe, expect, it } from "vitest";
import type { CatalogItem } from "../../api/types";
import { overQuota, takes } from "./launch-takes";

const item = (sku: string, more: object = {}) => ({ sku, simulated: false, available: 1, price: { amount: "1", currency: "EUR" }, resources: { vcpus: 1.5, gpus: 0, memory_gb: 1 }, ...more }) as unknown as CatalogItem;
const quota = (resource: string, used: number, limit: number) => ({ resource, used, limit });

describe("what a launch takes from the quota", () => {
  it("is a machine, its vCPUs in whole ones, and a volume that it makes", () => {
    expect(takes({ volumeChoice: "none", volumeGb: "10" }, item("a"))).toEqual({ allocations: 1, vcpus: 2 });
    expect(takes({ volumeChoice: "new", volumeGb: "10" }, item("a"))).toEqual({ allocations: 1, vcpus: 2, volumes: 1, volume_gb: 10 });
    expect(takes({ volumeChoice: "existing", volumeGb: "10" }, undefined)).toEqual({});
  });
  it("is compared with what the project has left, and the tenant", () => {
    const wanted = { allocations: 1, vcpus: 224 };
    expect(overQuota(wanted, [quota("allocations", 9, 10), quota("vcpus", 8, 32)], [])).toBe("Over the project's quota: takes 224 vCPUs, 24 of 32 left");
    expect(overQuota(wanted, [quota("vcpus", 0, 1024)], [quota("vcpus", 900, 1024)])).toBe("Over the tenant's quota: takes 224 vCPUs, 124 of 1024 left");
    expect(overQuota({ allocations: 1 }, [quota("vcpus", 40, 32)], [])).toBeUndefined();
  });
});
