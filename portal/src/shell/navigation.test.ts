import { describe, expect, it } from "vitest";
import { safeNext } from "../domains/iam/signin";
import { activeHref, crumbsOf, navigationItems } from "./navigation";
import type { Session } from "../api/types";

const session = (extra: Partial<Session>): Session => ({
  authenticated: true, principal: null, tenant: null, tenants: [], projects: [], roles: [], permissions: [], csrf_token: null, operator: false, ...extra,
});

describe("finding the way", () => {
  it("lights up the list that a detail page belongs to", () => {
    expect(activeHref("/allocations/alloc_1")).toBe("/allocations");
    expect(activeHref("/admin/nodes/node_1")).toBe("/admin/nodes");
  });
  it("begins with the overview for those who operate", () => {
    expect(navigationItems(session({ operator: true, tenant: { id: "tnt_1", name: "Ops" } }))[0]).toMatchObject({ href: "/admin" });
    expect(activeHref("/admin")).toBe("/admin");
    expect(crumbsOf("/admin/nodes", true).map(({ href }) => href)).toEqual(["/home", "/admin", "/admin/nodes"]);
  });
  it("leads back step by step", () => {
    expect(crumbsOf("/allocations/alloc_1", true).map(({ href }) => href)).toEqual(["/home", "/allocations", "/allocations/alloc_1"]);
  });
  it("calls a thing by its name once that is known, and never a page that has a name of its own", () => {
    const path = `/allocations/alloc_${"0".repeat(26)}`;
    expect(crumbsOf(path, true).at(-1)?.text).toMatch(/^alloc_0+$/);
    expect(crumbsOf(path, true, "training").map(({ text }) => text)).toEqual(["Console", "Allocations", "training"]);
    expect(crumbsOf("/admin/nodes", true, "something").at(-1)?.text).toBe("Fleet");
  });
  it("shows the operator area to operators only", () => {
    expect(JSON.stringify(navigationItems(session({})))).not.toContain("/admin/");
    expect(JSON.stringify(navigationItems(session({ operator: true })))).toContain("/admin/nodes");
  });
  it.each(["//evil.example", "https://evil.example", "/\\evil.example", undefined, "/signin?next=/"])("never sends a signed-in user to %s", (next) =>
    expect(safeNext(next)).toBe("/home"));
  it("goes on where it was left", () => expect(safeNext("/launch?sku=local.cpu.1")).toBe("/launch?sku=local.cpu.1"));
});
