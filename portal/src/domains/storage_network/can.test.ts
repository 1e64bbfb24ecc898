import { describe, expect, it } from "vitest";
import { canDelete, canDeleteBucket, canMakeKey } from "./can";

describe("deleting a volume", () => {
  it("is possible while nothing uses it", () => expect(canDelete({ state: "available", attached_to: null }).yes).toBe(true));
  it("names the allocation that uses it", () => {
    const can = canDelete({ state: "attached", attached_to: "alloc_1" });
    expect(!can.yes && can.because).toContain("alloc_1");
  });
});

describe("a bucket", () => {
  it("can be deleted unless that is under way", () => expect([canDeleteBucket({ state: "available" }).yes, canDeleteBucket({ state: "deleting" }).yes]).toEqual([true, false]));
  it("takes keys until it is deleted", () => expect([canMakeKey({ state: "creating" }).yes, canMakeKey({ state: "deleting" }).yes]).toEqual([true, false]));
});
