import { describe, expect, it } from "vitest";
import { costOf, formatMoney, fromNano, isLess, plus, times, toNano } from "./money";

describe("money", () => {
  it("keeps nine places and loses none on the way back", () => {
    expect(fromNano(toNano("123456789012.123456789"))).toBe("123456789012.123456789");
    expect(fromNano(toNano("-0.10"))).toBe("-0.1");
  });
  it("works out seconds × price ÷ 3,600 as the ledger does", () => {
    expect(costOf("0.12", 3600)).toBe("0.12");
    expect(costOf("0.12", 1)).toBe("0.000033333");
    expect(costOf("0.12", 5000)).toBe("0.166666667");
  });
  it("rounds half to even, never always up", () => {
    expect(times("0.000000005", 0.5)).toBe("0.000000002");
    expect(times("0.000000007", 0.5)).toBe("0.000000004");
  });
  it("adds what floats cannot", () => expect(plus("0.1", "0.2")).toBe("0.3"));
  it("compares amounts as decimals, not as words", () => {
    expect(isLess({ amount: "9.00", currency: "EUR" }, { amount: "10.00", currency: "EUR" })).toBe(true);
  });
  it("shows the currency's digits, and more only when the amount has more", () => {
    expect(formatMoney({ amount: "0.12", currency: "EUR" })).toBe("€0.12");
    expect(formatMoney({ amount: "0.166666667", currency: "EUR" })).toBe("€0.166666667");
    expect(formatMoney({ amount: "0.5", currency: "EUR" }, 4)).toBe("€0.5000");
  });
  it("refuses what is not a decimal", () => expect(() => toNano("1e3")).toThrow(/not a decimal/));
});
