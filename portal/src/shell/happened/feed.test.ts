import { describe, expect, it } from "vitest";
import type { Allocation, Incident } from "../../api/types";
import { feedOf, hasNews, type Happening } from "./feed";

const allocation = (more: object) => ({
  id: "alloc_1", name: "training", state: "active", activated_at: null, release_requested_at: null, released_at: null, updated_at: "2026-11-26T10:00:00Z",
  release_reason: "", refusal: null, failure: null, ...more,
}) as unknown as Allocation;
const incident = (more: object) => ({ id: "inc_1", cause: "node is silent", opened_at: "2026-11-26T09:00:00Z", resolved_at: null, ...more }) as unknown as Incident;
const titles = (feed: Happening[]) => feed.map(({ title }) => title);

describe("what happened", () => {
  it("is told newest first, from notices, allocations and incidents alike", () => {
    const notice: Happening = { id: "n", at: "2026-11-26T10:30:00Z", tone: "success", title: "Key laptop is saved" };
    const ran = allocation({ activated_at: "2026-11-26T10:00:00Z", release_requested_at: "2026-11-26T11:00:00Z", released_at: "2026-11-26T11:00:05Z" });
    expect(titles(feedOf([notice], [ran], [incident({})]))).toEqual([
      "training is released", "Release of training was asked for", "Key laptop is saved", "training is active", "node is silent",
    ]);
  });
  it("says why something never ran, and when an incident was resolved", () => {
    const refused = allocation({ state: "refused", refusal: { detail: "No slot is free." } });
    expect(feedOf([], [refused], [])[0]).toMatchObject({ title: "training was refused", detail: "No slot is free.", href: "/allocations/alloc_1" });
    expect(titles(feedOf([], [], [incident({ resolved_at: "2026-11-26T09:05:00Z" })]))).toEqual(["Resolved: node is silent", "node is silent"]);
  });
  it("keeps the newest thirty", () => {
    const many = Array.from({ length: 50 }, (_, n): Happening => ({ id: String(n), at: `2026-11-26T10:00:${String(n).padStart(2, "0")}Z`, tone: "info", title: String(n) }));
    expect(feedOf(many, [], []).map(({ title }) => title).slice(0, 2)).toEqual(["49", "48"]);
    expect(feedOf(many, [], [])).toHaveLength(30);
  });
  it("is news until it was looked at", () => {
    const feed = feedOf([], [allocation({ activated_at: "2026-11-26T10:00:00Z" })], []);
    expect([hasNews(feed, null), hasNews(feed, "2026-11-26T09:00:00Z"), hasNews(feed, "2026-11-26T10:00:00Z"), hasNews([], null)]).toEqual([true, true, false, false]);
  });
});
