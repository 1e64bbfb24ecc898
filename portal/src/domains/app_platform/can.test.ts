import { describe, expect, it } from "vitest";
import { canDeleteUpstream, canEditModel, canLaunch, canOfferAgain, canOpen, canRetire, canStop, canWithdraw, isChanging } from "./can";

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

describe("what operators do with models, upstreams and gateways", () => {
  const operator = { permissions: ["platform.inference.write"] };
  const reader = { permissions: ["platform.inference.read"] };
  it("is not offered to those who may only look", () => {
    expect(canEditModel([{}], reader).yes).toBe(false);
    expect(canRetire([{ state: "enrolled" }], reader).yes).toBe(false);
  });
  it("one at a time where it has to be written down", () => {
    expect(canEditModel([], operator).yes).toBe(false);
    expect(canEditModel([{}, {}], operator).yes).toBe(false);
    expect(canEditModel([{}], operator).yes).toBe(true);
  });
  it("a gateway is retired once", () => {
    expect(canRetire([{ state: "enrolled" }], operator).yes).toBe(true);
    expect(canRetire([{ state: "retired" }], operator).yes).toBe(false);
  });
  it("a model is offered or withdrawn, never twice", () => {
    expect([canWithdraw({ state: "offered" }).yes, canWithdraw({ state: "withdrawn" }).yes]).toEqual([true, false]);
    expect([canOfferAgain({ state: "offered" }).yes, canOfferAgain({ state: "withdrawn" }).yes]).toEqual([false, true]);
  });
  it("an upstream that serves stays, and says for which model", () => {
    const can = canDeleteUpstream({ models: ["llama-8b"] });
    expect(!can.yes && can.because).toContain("llama-8b");
    expect(canDeleteUpstream({ models: [] }).yes).toBe(true);
  });
});
