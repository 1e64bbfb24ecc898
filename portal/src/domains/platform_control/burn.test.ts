import { describe, expect, it } from "vitest";
import { burnOf, keptIn30Days, percent, worstFirst } from "./burn";

describe("error budgets in words", () => {
  it("shows what is missing from a hundred", () => {
    expect([percent(0.99953), percent(1), percent(-0.5), percent(null)]).toEqual(["99.953 %", "100 %", "-50 %", "–"]);
  });
  it("tells how many measurements are missing rather than a share of a few", () => {
    expect(keptIn30Days({ current: null, total: 1, needed: 1000 })).toBe("Too few measurements yet (1 of 1000)");
    expect(keptIn30Days({ current: 0.9995, total: 2000, needed: 1000 })).toBe("99.95 % of 2000");
    expect(keptIn30Days({ current: null, total: 0, needed: 1000 })).toBe("–");
  });
  it("tells no burn where nothing happened", () => {
    expect(burnOf({ windows: [{ window: "1h", good: 0, total: 0, burn: null }] }, "1h")).toBe("–");
    expect(burnOf({ windows: [{ window: "6h", good: 1, total: 2, burn: 14.4 }] }, "6h")).toBe("14.4×");
  });
  it("puts the worst first", () => {
    const slos = ["ok", "not_measured", "exhausted", "burning"].map((state) => ({ state, domain: "iam" }));
    expect(worstFirst(slos as never).map((slo) => slo.state)).toEqual(["exhausted", "burning", "ok", "not_measured"]);
  });
});
