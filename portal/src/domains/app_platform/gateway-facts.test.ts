import { describe, expect, it } from "vitest";
import { enrolCommand, knowledgeOf, snapshotText } from "./gateway-facts";

const at = (known_version: number, newest_version: number, seen_at: string | null = "2026-11-23T08:00:00Z") => ({ known_version, newest_version, seen_at });

describe("what a gateway knows", () => {
  it("is current with the newest snapshot", () => expect([knowledgeOf(at(12, 12)), snapshotText(at(12, 12))]).toEqual(["current", "12"]));
  it("is current when it learned of one that this answer does not know yet", () => expect(knowledgeOf(at(13, 12))).toBe("current"));
  it("says how far it is behind", () => expect([knowledgeOf(at(9, 12)), snapshotText(at(9, 12))]).toEqual(["behind", "9 of 12"]));
  it("is not taken for current when it was never heard of", () => expect([knowledgeOf(at(0, 0, null)), snapshotText(at(0, 4, null))]).toEqual(["never_heard_of", "None of 4"]));
});

it("names the gateway, its token and the control plane in what is to be run", () =>
  expect(enrolCommand({ gateway_name: "edge-2", token: "secret" }, "factory.example")).toContain("TOKEN=secret\npython -m aifactory_gateway enrol --url https://factory.example:8044 --name edge-2 "));
