import { describe, expect, it } from "vitest";
import type { Session } from "../../api/types";
import { canChangeMember, canManageMembers } from "./can";
import { roleName, rolesOn } from "./roles";

const session = (permissions: string[]) => ({ permissions }) as Session;
const admin = session(["member.manage"]);

describe("giving and taking roles", () => {
  it("is for admins, and says so to others", () => {
    expect(canManageMembers(admin)).toEqual({ yes: true });
    expect(canManageMembers(session([]))).toMatchObject({ yes: false, because: expect.stringContaining("Ask one of them") });
    expect(canChangeMember([{}], session([]))).toMatchObject({ yes: false, because: expect.stringContaining("admin") });
  });
  it("takes one line at a time", () => {
    expect(canChangeMember([{}], admin)).toEqual({ yes: true });
    expect(canChangeMember([], admin)).toMatchObject({ because: expect.stringContaining("Select a line") });
    expect(canChangeMember([{}, {}], admin)).toMatchObject({ because: expect.stringContaining("only one") });
  });
  it("offers on a project only what exists there", () => {
    expect(rolesOn("prj_1").map(({ value }) => value)).toEqual(["project_admin", "member", "viewer"]);
    expect(rolesOn(null)).toHaveLength(5);
  });
  it("shows a role that it does not know as it is", () => expect(roleName("night_watch")).toBe("night watch"));
});
