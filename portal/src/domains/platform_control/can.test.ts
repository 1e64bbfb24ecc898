import { describe, expect, it } from "vitest";
import { canReplay, canReplayDelivery, canReplayKind, canRevoke } from "./can";

const because = (can: { yes: boolean; because?: string }) => (can.yes ? "yes" : can.because);

describe("what a state allows", () => {
  it("revokes one valid certificate, and says why not otherwise", () => {
    expect(canRevoke([{ state: "valid" }]).yes).toBe(true);
    expect(because(canRevoke([{ state: "revoked" }]))).toContain("valid");
    expect(because(canRevoke([]))).toContain("Select");
  });
  it("replays a delivery that was given up, and no other", () => {
    expect(["waiting", "delivered", "dead", "off"].map((state) => canReplayDelivery({ state } as never).yes)).toEqual([false, false, true, true]);
  });
  it("replays open letters, and a kind by one of it", () => {
    expect([canReplay({ state: "open" }).yes, canReplay({ state: "replayed" }).yes]).toEqual([true, false]);
    expect(canReplayKind([{ state: "open" }]).yes).toBe(true);
    expect(canReplayKind([]).yes).toBe(false);
  });
});
