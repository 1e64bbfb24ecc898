import { describe, expect, it } from "vitest";
import type { Node, Slo } from "../../api/types";
import { bySilicon, inTrouble, sumOf } from "./fleet-figures";

const node = (state: string, model: string | null, slots: object) =>
  ({ state, inventory: model ? { gpus: [{ vendor: "NVIDIA", model }] } : null, slots: { total: 8, available: 0, occupied: 0, quarantined: 0, ...slots } }) as unknown as Node;

const fleet = [
  node("ready", "H100", { available: 5, occupied: 3 }), node("unreachable", "H100", { quarantined: 1 }), node("ready", null, { available: 2, total: 2 }),
];

describe("the fleet in figures", () => {
  it("is counted by silicon, the largest first", () => {
    expect(bySilicon(fleet)).toEqual([
      { silicon: "H100", nodes: 2, ready: 1, slots: 16, free: 5, occupied: 3, quarantined: 1 },
      { silicon: "CPU", nodes: 1, ready: 1, slots: 2, free: 2, occupied: 0, quarantined: 0 },
    ]);
  });
  it("adds up", () => {
    expect(sumOf(bySilicon(fleet))).toEqual({ nodes: 3, ready: 2, slots: 18, free: 7, occupied: 3, quarantined: 1 });
    expect(sumOf([]).nodes).toBe(0);
  });
  it("names the promises in trouble, not those that nobody has measured", () => {
    const slos = ["ok", "burning", "no_data", "exhausted"].map((state) => ({ state }) as Slo);
    expect(inTrouble(slos).map(({ state }) => state)).toEqual(["burning", "exhausted"]);
  });
});
