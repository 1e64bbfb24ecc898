import { render, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Transition } from "../api/types";
import { stagesOf, StageTimeline } from "./StageTimeline";

const path = ["requested", "placing", "active"].map((state) => ({ state, title: state, doing: `doing ${state}` }));
const terminal = new Set(["active", "refused"]);
const entered = (seq: number, to_state: string, at: string, deadline_seconds: number | null = null): Transition => ({
  seq, from_state: null, to_state, who: "worker", why: "", at: `2026-11-23T08:00:${at}Z`, seconds: 0, deadline_seconds,
});

describe("the stage timeline", () => {
  it("gives each finished stage the time until the next one began", () => {
    const stages = stagesOf(path, [entered(1, "requested", "00.000"), entered(2, "placing", "02.500", 30)], "placing", terminal);
    expect(stages.map(({ status, seconds }) => [status, seconds])).toEqual([["done", 2.5], ["now", null], ["next", null]]);
    expect(stages[1]?.deadlineSeconds).toBe(30);
  });
  it("promises no further stages after it ended badly", () => {
    const stages = stagesOf(path, [entered(1, "requested", "00"), entered(2, "placing", "01"), entered(3, "refused", "02")], "refused", terminal);
    expect(stages.map(({ state, status }) => `${state}:${status}`)).toEqual(["requested:done", "placing:done", "refused:bad"]);
  });
  it("says in words, not only in colour, where it is", () => {
    const stages = stagesOf(path, [entered(1, "requested", "00"), entered(2, "placing", "01")], "placing", terminal);
    render(<StageTimeline stages={stages} label="Stages of x" />);
    const rows = within(screen.getByRole("list", { name: "Stages of x" })).getAllByRole("listitem");
    expect(rows.map((row) => row.textContent)).toEqual([
      expect.stringContaining("requested: done"), expect.stringContaining("placing: in progress"), expect.stringContaining("active: not started"),
    ]);
    expect(rows[1]?.getAttribute("aria-current")).toBe("step");
  });
});
