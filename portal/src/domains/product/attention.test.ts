import { describe, expect, it } from "vitest";
import type { Allocation, LaunchDraft, Wallet } from "../../api/types";
import { attentionOf } from "./attention";

const now = new Date("2026-11-26T12:00:00Z");
const allocation = (state: string, more: object = {}) =>
  ({ id: "alloc_1", name: "training", state, created_at: "2026-11-26T11:00:00Z", price: { amount: "0.12", currency: "EUR" }, refusal: null, failure: null, ...more }) as unknown as Allocation;
const wallet = (amount: string) => ({ currency: "EUR", available: { amount, currency: "EUR" } }) as unknown as Wallet;
const titles = (known: object) => attentionOf({ allocations: [], wallet: undefined, draft: undefined, now, ...known }).map(({ title }) => title);

describe("what waits for a person", () => {
  it("is nothing at first", () => expect(titles({ wallet: wallet("0") })).toEqual([]));
  it("is credit that ends within a day at what runs now", () => {
    expect(titles({ allocations: [allocation("active")], wallet: wallet("0.60") })).toEqual(["Credit lasts about 5 hours"]);
    expect(titles({ allocations: [allocation("active")], wallet: wallet("0.01") })).toEqual(["Credit lasts less than an hour"]);
    expect(titles({ allocations: [allocation("active")], wallet: wallet("100") })).toEqual([]);
    expect(titles({ allocations: [allocation("released")], wallet: wallet("0.01") })).toEqual([]);
  });
  it("is a launch of this day that never ran, with its reason", () => {
    const refused = allocation("refused", { refusal: { detail: "No slot is free.", offers: [] } });
    expect(attentionOf({ allocations: [refused], wallet: undefined, draft: undefined, now })[0]).toMatchObject({ title: "training was refused", detail: "No slot is free.", href: "/allocations/alloc_1" });
    expect(titles({ allocations: [allocation("failed", { created_at: "2026-11-24T11:00:00Z" })] })).toEqual([]);
  });
  it("is a launch that was not finished", () =>
    expect(titles({ draft: { id: "ldr_1", form: { name: "later" } } as unknown as LaunchDraft })).toEqual(["You have an unfinished launch: later"]));
});
