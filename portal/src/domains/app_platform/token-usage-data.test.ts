import { describe, expect, it } from "vitest";
import type { TokenUsage } from "../../api/types";
import { groupingOf, periodOf, rowKey, shareOf, sinceOf, totalsOf } from "./token-usage-data";

const row = (extra: Partial<TokenUsage>): TokenUsage => ({
  key_id: "key_1", project_id: null, model_id: "sim", requests: 1, failed: 0, tokens_in: 0, tokens_out: 0, ...extra,
});

describe("what tokens were used for", () => {
  it("begins with the last day, by key and model, also when the address says nonsense", () => {
    expect([periodOf(undefined).id, periodOf("century").id, periodOf("week").id]).toEqual(["day", "day", "week"]);
    expect(groupingOf("colour").by).toEqual(["key", "model"]);
    expect(groupingOf("project").by).toEqual(["project"]);
  });
  it("counts back from now", () => expect(sinceOf(periodOf("week"), new Date("2026-11-08T10:00:00Z"))).toBe("2026-11-01T10:00:00.000Z"));
  it("sums every figure", () =>
    expect(totalsOf([row({ requests: 2, tokens_in: 5 }), row({ requests: 3, failed: 1, tokens_out: 7 })])).toEqual({ requests: 5, failed: 1, tokens_in: 5, tokens_out: 7 }));
  it("says how much of it each row is", () => {
    const all = totalsOf([row({ tokens_in: 999, tokens_out: 1 })]);
    expect(shareOf(row({ tokens_in: 380 }), all)).toBe("38 %");
    expect(shareOf(row({ tokens_out: 1 }), all)).toBe("< 1 %");
    expect(shareOf(row({}), totalsOf([]))).toBe("0 %");
  });
  it("tells rows apart by what they are grouped by", () => expect(rowKey(row({}))).not.toBe(rowKey(row({ model_id: "other" }))));
});
