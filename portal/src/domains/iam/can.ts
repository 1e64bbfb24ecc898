import type { Session } from "../../api/types";
import { no, yes, type Can } from "../../ui/Can";

export function canCreateProject(permissions: string[]): Can {
  return permissions.includes("project.create") ? yes : no("Only an owner of the tenant can create projects. Ask one of them.");
}

export function canManageMembers(session: Session): Can {
  return session.permissions.includes("member.manage") ? yes : no("Only an admin of the tenant or of a project gives and takes roles. Ask one of them.");
}

export function canChangeMember(selected: unknown[], session: Session): Can {
  const may = canManageMembers(session);
  if (!may.yes) return may;
  return selected.length === 1 ? yes : no(selected.length === 0 ? "Select a line in the list first." : "Select only one line: each is confirmed by name.");
}

export function canSuspend(selected: unknown[], session: Session): Can {
  if (!session.permissions.includes("platform.tenant.suspend")) return no("Only an operator of the platform suspends and resumes tenants.");
  return selected.length === 1 ? yes : no(selected.length === 0 ? "Select a tenant in the list first." : "Select only one tenant: each is confirmed by its name.");
}
