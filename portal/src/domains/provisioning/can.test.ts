import { describe, expect, it } from "vitest";
import { canConnect, canDrain, canRelease, canResume, isChanging } from "./can";

const at = (state: string, extra = {}) => ({ state, desired_state: "active", release_requested_at: null, access: null, ...extra });

describe("what can be done with an allocation", () => {
  it.each(["requested", "placing", "preparing", "starting", "verifying", "active"])("%s can be released", (state) =>
    expect(canRelease(at(state)).yes).toBe(true));
  it.each(["releasing", "stopping", "settling", "released", "refused", "failed"])("%s cannot, and says why", (state) => {
    const can = canRelease(at(state));
    expect(can.yes).toBe(false);
    expect(!can.yes && can.because.length).toBeGreaterThan(20);
  });
  it("is not asked for twice", () => expect(canRelease(at("active", { release_requested_at: "2026-11-23T08:00:00Z" })).yes).toBe(false));
  it("an unknown state of a newer server may still be released", () => expect(canRelease(at("hibernating")).yes).toBe(true));
  it("there is no way in before access is verified", () => {
    expect(canConnect({ state: "verifying", access: null }).yes).toBe(false);
    expect(canConnect({ state: "active", access: { ssh: { host: "h", port: 1, user: "u", host_key: "k", command: "c" } } }).yes).toBe(true);
  });
  it("what never ran is not said to have been cut off", () => {
    const can = canConnect({ state: "refused", access: null });
    expect(!can.yes && can.because).toMatch(/never ran/);
  });
  it("is watched closely while it changes, not afterwards", () => {
    expect(isChanging(at("starting"))).toBe(true);
    expect(isChanging(at("active", { release_requested_at: "2026-11-23T08:00:00Z" }))).toBe(true);
    expect(isChanging(at("active"))).toBe(false);
    expect(isChanging(at("released", { release_requested_at: "2026-11-23T08:00:00Z" }))).toBe(false);
  });
});

describe("what can be done with a node", () => {
  const node = (service: string, desired_service = "in_service", state = "ready") =>
    ({ service, desired_service, state }) as Parameters<typeof canDrain>[0];
  it("in service it can be drained and not resumed", () => {
    expect(canDrain(node("in_service")).yes).toBe(true);
    expect(canResume(node("in_service")).yes).toBe(false);
  });
  it("a silent node can be drained too", () => expect(canDrain(node("in_service", "in_service", "unreachable")).yes).toBe(true));
  it.each(["in_service", "draining", "emptying", "maintenance"])("once its drain is asked for (%s) it can be resumed and not drained again", (service) => {
    expect(canResume(node(service, "maintenance")).yes).toBe(true);
    const can = canDrain(node(service, "maintenance"));
    expect(!can.yes && can.because).toMatch(/Resume it first/);
  });
  it("while it comes back there is nothing to press, and it says why", () => {
    for (const can of [canDrain(node("returning")), canResume(node("returning"))]) expect(!can.yes && can.because).toMatch(/cleaned/);
  });
});
