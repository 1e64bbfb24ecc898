import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { switchTenant, useSession } from "../api/client";
import type { Session } from "../api/types";
import iconUrl from "./icon.svg?url";
import { isApple, openPalette } from "./palette/PaletteKey";
import { useScope } from "./scope";
import { signOut } from "./sign-out";
import { useTheme } from "./theme";

export function TopBar() {
  const session = useSession();
  const [dark, toggleTheme] = useTheme();
  const theme: TopNavigationProps.Utility = {
    type: "button", text: dark ? "Light theme" : "Dark theme", title: dark ? "Use the light theme" : "Use the dark theme",
    iconSvg: dark ? <SunIcon /> : <MoonIcon />, onClick: toggleTheme, disableTextCollapse: false,
  };
  const scope = useScopeMenu(session);
  const utilities = session.authenticated ? [search(true), ...scope, theme, userMenu(session)] : [search(false), theme, signIn()];
  return (
    <div id="top-bar">
      <TopNavigation
        identity={{ href: session.authenticated ? "/home" : "/", title: "AI Factory", logo: { src: iconUrl, alt: "Home" } }}
        utilities={utilities}
        i18nStrings={{ overflowMenuTriggerText: "More", overflowMenuTitleText: "All", overflowMenuBackIconAriaLabel: "Back", overflowMenuDismissIconAriaLabel: "Close" }}
      />
    </div>
  );
}

/** `always`: also where the bar is narrow. For a visitor the room is needed for the name of the place and the sign-in. */
function search(always: boolean): TopNavigationProps.Utility {
  const keys = isApple() ? "⌘K" : "Ctrl K";
  return { type: "button", text: `Search ${keys}`, ariaLabel: `Search ${keys}: pages, actions and things`, title: "Search and commands", iconName: "search", onClick: openPalette, disableUtilityCollapse: always };
}

function useScopeMenu(session: Session): TopNavigationProps.Utility[] {
  const { projectId, projectName, setProject } = useScope();
  const chosen = (isChosen: boolean) => (isChosen ? ({ iconName: "check" } as const) : {});
  const projects = {
    text: "Project",
    items: [{ id: "project:", text: "All projects", ...chosen(!projectId) },
      ...session.projects.map(({ id, name }) => ({ id: `project:${id}`, text: name, ...chosen(id === projectId) }))],
  };
  const tenants = {
    text: "Tenant",
    items: session.tenants.map(({ id, name }) => ({ id: `tenant:${id}`, text: name, ...chosen(id === session.tenant?.id) })),
  };
  if (!session.tenant) return [];
  return [{
    type: "menu-dropdown", text: projectName, description: session.tenant.name, title: "Tenant and project",
    iconName: "folder", ariaLabel: `Scope: ${session.tenant.name}, ${projectName}`,
    items: session.tenants.length > 1 ? [tenants, projects] : [projects],
    onItemClick: ({ detail }) => {
      const [kind, id] = detail.id.split(/:(.*)/);
      if (kind === "tenant" && id) void switchTenant(id);
      if (kind === "project") setProject(id || undefined);
    },
  }];
}

function userMenu(session: Session): TopNavigationProps.Utility {
  const who = session.principal;
  return {
    type: "menu-dropdown", text: who?.email ?? "Account", iconName: "user-profile", ariaLabel: `Account of ${who?.email ?? "you"}`,
    description: session.roles.join(", ") || undefined,
    items: [
      { id: "ssh-keys", text: "SSH keys", href: "/ssh-keys" }, { id: "keys", text: "API keys", href: "/keys" },
      { id: "device", text: "Approve a command line", href: "/device" }, { id: "sign-out", text: "Sign out" },
    ],
    onItemClick: ({ detail }) => { if (detail.id === "sign-out") void signOut(); },
  };
}

function signIn(): TopNavigationProps.Utility {
  const here = typeof location === "undefined" ? "/home" : location.pathname + location.search;
  return { type: "button", variant: "primary-button", text: "Sign in", href: `/signin?next=${encodeURIComponent(here)}`, disableUtilityCollapse: true };
}

const MoonIcon = () => <svg viewBox="0 0 16 16" focusable="false" aria-hidden="true"><path d="M13.5 9.7A6 6 0 0 1 6.3 2.5a6 6 0 1 0 7.2 7.2Z" /></svg>;
const SunIcon = () => (
  <svg viewBox="0 0 16 16" focusable="false" aria-hidden="true">
    <circle cx="8" cy="8" r="3" /><path d="M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1" />
  </svg>
);
