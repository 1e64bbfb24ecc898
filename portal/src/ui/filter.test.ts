import { describe, expect, it } from "vitest";
import { decodeFilter, encodeFilter } from "./filter";

describe("the filter in the address", () => {
  it("reads like a sentence and comes back the same", () => {
    const query = { operation: "and" as const, tokens: [{ propertyKey: "__state", operator: "=", value: "active" }, { operator: ":", value: "a,b=c" }] };
    const text = encodeFilter(query);
    expect(text).toBe("state=active,:a%2Cb%3Dc");
    expect(decodeFilter(text)).toEqual(query);
  });
  it("keeps 'any of these'", () => {
    const query = { operation: "or" as const, tokens: [{ propertyKey: "__sku", operator: "!=", value: "x" }] };
    expect(decodeFilter(encodeFilter(query))).toEqual(query);
  });
  it("takes nonsense as no filter", () => {
    expect(decodeFilter("%%%").tokens).toEqual([]);
    expect(decodeFilter(undefined).tokens).toEqual([]);
    expect(decodeFilter("state=%E0%A4%A").tokens).toEqual([]);
  });
});
