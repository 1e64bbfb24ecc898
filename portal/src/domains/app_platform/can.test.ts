import { describe, expect, it } from "vitest";
import { canLaunch, canOpen, canStop, isChanging } from "./can";

const at = (state: string, extra = {}) => ({ state, kind: "web", stop_requested_at: null, ...extra });

describe("what can be done with an app instance", () => {
  it.each(["starting", "verifying", "running"])("%s can be stopped", (state) => expect(canStop(at(state)).yes).toBe(true));
  it.each(["stopping", "exited", "stopped", "failed"])("%s cannot, and says why", (state) => {
    const can = canStop(at(state));
    expect(!can.yes && can.because.length).toBeGreaterThan(15);
  });
  it("is not stopped twice", () => expect(canStop(at("running", { stop_requested_at: "2026-11-23T08:00:00Z" })).yes).toBe(false));
  it("only a running web app opens", () => {
    expect(canOpen(at("running")).yes).toBe(true);
    expect(canOpen(at("verifying")).yes).toBe(false);
    expect(canOpen(at("running", { kind: "batch" })).yes).toBe(false);
    expect(canOpen(at("stopped")).yes).toBe(false);
  });
  it("needs a machine to run in", () => {
    expect(canLaunch([]).yes).toBe(false);
    expect(canLaunch([{ state: "active" }]).yes).toBe(true);
  });
  it("moves on by itself while it starts and stops", () => expect(["starting", "stopping", "running", "exited"].map((state) => isChanging(at(state)))).toEqual([true, true, false, false]));
});
