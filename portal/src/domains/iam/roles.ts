// The roles in the words of a person who gives one. The server decides what each may; unknown ones are shown as they are.
export interface RoleWords { value: string; label: string; description: string }

const WORDS: RoleWords[] = [
  { value: "tenant_admin", label: "Tenant admin", description: "Everything in the tenant: people, projects, money, audit" },
  { value: "project_admin", label: "Project admin", description: "Uses everything, and gives and takes roles" },
  { value: "member", label: "Member", description: "Launches, connects, manages volumes and keys" },
  { value: "viewer", label: "Viewer", description: "Sees what runs, changes nothing" },
  { value: "billing_viewer", label: "Billing viewer", description: "Sees prices, statements and credit" },
];
const ON_A_PROJECT = ["project_admin", "member", "viewer"];

export const roleName = (role: string) => WORDS.find(({ value }) => value === role)?.label ?? role.replaceAll("_", " ");

/** What can be given on the whole tenant, or on one project. */
export function rolesOn(projectId: string | null): RoleWords[] {
  return projectId === null ? WORDS : WORDS.filter(({ value }) => ON_A_PROJECT.includes(value));
}
