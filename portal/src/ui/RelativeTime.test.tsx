import { describe, expect, it } from "vitest";
import { duration, exactTime, relativeTime } from "./RelativeTime";

const noon = new Date("2026-11-23T12:00:00Z");

describe("times", () => {
  it.each([["2026-11-23T11:59:58Z", "2 seconds ago"], ["2026-11-23T11:57:00Z", "3 minutes ago"], ["2026-11-22T11:00:00Z", "yesterday"], ["2026-11-24T12:00:00Z", "tomorrow"]])(
    "%s is %s", (at, words) => expect(relativeTime(new Date(at), noon)).toBe(words));
  it("are exact on hover", () => expect(exactTime("2026-11-23T11:59:58.123Z")).toBe("2026-11-23 11:59:58 UTC"));
  it("lengths use two units at most", () => expect([7, 75, 7_260, 180_000].map(duration)).toEqual(["7 s", "1 min 15 s", "2 h 1 min", "2 d 2 h"]));
});
