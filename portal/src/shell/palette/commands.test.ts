import { describe, expect, it } from "vitest";
import type { Session } from "../../api/types";
import { actions, byWholeId, matching, MOST_SHOWN_OF_A_GROUP, pages, projects, things } from "./commands";

const session = (extra: Partial<Session>): Session => ({
  authenticated: true, principal: null, tenant: { id: "tnt_1", name: "Demo" }, tenants: [], projects: [], roles: [], permissions: [],
  csrf_token: null, operator: false, ...extra,
});
const titles = (commands: { title: string }[]) => commands.map(({ title }) => title);
const ID = `alloc_${"0".repeat(26)}`;

describe("the command palette", () => {
  it("offers only what the person may do", () => {
    expect(titles(actions(session({}), false))).toEqual(["Launch", "Use the dark theme", "Sign out"]);
    expect(titles(actions(session({ permissions: ["ssh_key.create"] }), true))).toEqual(["Launch", "New SSH key", "Use the light theme", "Sign out"]);
    expect(titles(actions(session({ tenant: null, operator: true, permissions: ["platform.node.enrol", "volume.create"] }), false))).toEqual(["Enrol a node", "Use the dark theme", "Sign out"]);
    expect(titles(actions(session({ authenticated: false, tenant: null }), false))).toEqual(["Launch", "Use the dark theme"]);
  });
  it("knows the pages of the navigation, the operator's only for operators", () => {
    expect(titles(pages(session({})))).toEqual(expect.arrayContaining(["Home", "Allocations", "Audit log", "Pricing"]));
    expect(titles(pages(session({})))).not.toContain("Fleet");
    expect(titles(pages(session({ operator: true })))).toContain("Fleet");
  });
  it("finds things by name, by state and by any part of their id", () => {
    const known = things("Allocations", [{ id: ID, name: "training", state: "active" }, { id: "alloc_2", name: "other", state: "released" }]);
    expect(titles(matching(known, "train"))).toEqual(["training"]);
    expect(titles(matching(known, "active"))).toEqual(["training"]);
    expect(titles(matching(known, "000000"))).toEqual(["training"]);
  });
  it("wants every word, and puts a beginning before a middle", () => {
    const known = things("Volumes", [{ id: "vol_1", name: "old-data", state: "available" }, { id: "vol_2", name: "data", state: "available" }]);
    expect(titles(matching(known, "data"))).toEqual(["data", "old-data"]);
    expect(matching(known, "data nothing")).toEqual([]);
  });
  it("shows a few things of each kind", () => {
    const many = things("Nodes", Array.from({ length: 30 }, (_, index) => ({ id: `node_${index}`, name: `n${index}`, state: "online" })));
    expect(matching(many, "n")).toHaveLength(MOST_SHOWN_OF_A_GROUP);
  });
  it("opens an id that was pasted whole, and nodes for operators only", () => {
    expect(byWholeId(` ${ID} `, [], false)[0]?.run).toEqual({ kind: "go", href: `/allocations/${ID}` });
    expect(byWholeId(ID, things("Allocations", [{ id: ID, name: "x", state: "active" }]), false)).toEqual([]);
    expect(byWholeId(`node_${"0".repeat(26)}`, [], false)).toEqual([]);
    expect(byWholeId("alloc_short", [], true)).toEqual([]);
    expect(byWholeId(`constructor_${"0".repeat(26)}`, [], true)).toEqual([]);
    const opens = (kind: string) => byWholeId(`${kind}_${"0".repeat(26)}`, [], true).map(({ run }) => run.kind === "go" && run.href.split(/[?_]/)[0]);
    expect(["inst", "bkt", "inc", "tnt", "vol"].flatMap(opens)).toEqual(["/instances/inst", "/buckets/bkt", "/admin/incidents/inc", "/admin/tenants", "/volumes"]);
    expect(byWholeId(`inc_${"0".repeat(26)}`, [], false)).toEqual([]);
  });
  it("offers another project only where there is one", () => {
    expect(projects(session({ projects: [{ id: "prj_1", name: "default" }] }))).toEqual([]);
    expect(titles(projects(session({ projects: [{ id: "prj_1", name: "default" }, { id: "prj_2", name: "lab" }] })))).toEqual(["All projects", "default", "lab"]);
  });
});
