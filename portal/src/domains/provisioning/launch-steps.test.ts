import { describe, expect, it } from "vitest";
import { ProblemError } from "../../api/problem";
import { firstWrong, indexOf, isStep, STEPS, stepOfProblem, wrongOn } from "./launch-steps";

const refused = (more: object) => new ProblemError({ type: "about:blank", status: 422, code: "invalid", title: "Refused", ...more } as never);

describe("the steps of a launch", () => {
  it("begin with the hardware and end with the review", () => expect([STEPS[0], STEPS.at(-1)]).toEqual(["hardware", "review"]));
  it("are known by their name in the address, and an unknown name is the first", () => {
    expect([isStep("storage"), isStep("stored"), isStep(undefined)]).toEqual([true, false, false]);
    expect([indexOf("network"), indexOf("nowhere")]).toEqual([3, 0]);
  });
  it("lead to the earliest one on which something is missing", () => {
    expect(firstWrong({ volumeName: "x", publicKey: "y" })).toBe("access");
    expect(firstWrong({})).toBeUndefined();
    expect([wrongOn("storage", { volumeGb: "x" }), wrongOn("access", { volumeGb: "x" })]).toEqual([true, false]);
  });
});

describe("a refused launch", () => {
  it("is mended where its field is", () => {
    expect(stepOfProblem(refused({ field: "ssh_public_key" }))).toBe("access");
    expect(stepOfProblem(refused({ field: "body.volumes.0.size_gb" }))).toBe("storage");
    expect(stepOfProblem(refused({ field: "volumes[0].id" }))).toBe("storage");
    expect(stepOfProblem(refused({ errors: [{ field: "body.name" }, { field: "body.sku" }] }))).toBe("hardware");
  });
  it("for want of quota is mended where the quota is taken", () => {
    expect(stepOfProblem(refused({ code: "quota_exceeded", resource: "volume_gb" }))).toBe("storage");
    expect(stepOfProblem(refused({ code: "quota_exceeded", resource: "vcpus" }))).toBe("hardware");
  });
  it("for a reason of its own is shown with the review", () => {
    expect(stepOfProblem(refused({ code: "credit_too_low" }))).toBe("review");
    expect(stepOfProblem(new Error("broken"))).toBe("review");
  });
});
