import type { SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import type { Session } from "../api/types";

const titles: Record<string, string> = {
  home: "Home", launch: "Launch", allocations: "Allocations", apps: "Apps", instances: "App instances", volumes: "Volumes", buckets: "Buckets", "ssh-keys": "SSH keys", keys: "API keys",
  statement: "Statement", projects: "Projects", members: "Members", gallery: "Gallery", audit: "Audit log", catalog: "Catalogue", pricing: "Pricing", regions: "Regions",
  networks: "Networks",
  "security-groups": "Security groups",
  "published-ports": "Published ports",
  models: "Models", "token-usage": "Token usage", upstreams: "Upstreams", gateways: "Gateways",
  admin: "Operate", nodes: "Fleet", "dead-letters": "Dead letters", domains: "Domains", certificates: "Certificates", tenants: "Tenants", health: "Health", slos: "SLOs", webhooks: "Webhooks", notifications: "Notifications", incidents: "Incidents", runbooks: "Runbooks", evidence: "Evidence", prices: "Prices",
};
const link = (href: string, text: string): SideNavigationProps.Link => ({ type: "link", href, text });

export function navigationItems(session: Session): SideNavigationProps.Item[] {
  const explore: SideNavigationProps.Item = {
    type: "section", text: "Explore",
    items: [link("/catalog", "Catalogue"), link("/models", "Models"), link("/pricing", "Pricing"), link("/regions", "Regions")],
  };
  const may = (permission: string) => session.permissions.includes(permission);
  const operate = operatorItems(may);
  if (!session.authenticated) return [link("/launch", "Launch"), explore];
  if (!session.tenant) return session.operator ? [...operate, explore] : [explore];
  const own: SideNavigationProps.Item[] = [
    link("/home", "Home"), link("/launch", "Launch"),
    { type: "section", text: "Run", items: [link("/allocations", "Allocations"), link("/apps", "Apps"), link("/instances", "App instances"), link("/volumes", "Volumes"), link("/buckets", "Buckets"), link("/networks", "Networks"), link("/security-groups", "Security groups"), link("/published-ports", "Published ports")] },
    { type: "section", text: "Access", items: [link("/ssh-keys", "SSH keys"), link("/keys", "API keys"), link("/projects", "Projects and quotas"), link("/members", "Members")] },
    { type: "section", text: "Account", items: [link("/statement", "Statement"), ...(may("token_usage.read") ? [link("/token-usage", "Token usage")] : []), link("/audit", "Audit log"), link("/evidence", "Evidence")] },
    ...(may("webhook.read")
      ? [{ type: "section" as const, text: "Integrate", items: [link("/webhooks", "Webhooks"), link("/notifications", "Notifications")] }] : []),
    explore,
  ];
  // Who operates looks there first; the pages of the own tenant come after.
  return session.operator ? [...operate, { type: "divider" }, ...own] : own;
}

const operatorItems = (may: (permission: string) => boolean): SideNavigationProps.Item[] => [
  link("/admin", "Overview"),
  { type: "section", text: "Operate", items: [link("/admin/nodes", "Fleet"), link("/admin/incidents", "Incidents"), link("/admin/health", "Health"), link("/admin/slos", "SLOs"), link("/admin/dead-letters", "Dead letters"), link("/admin/runbooks", "Runbooks")] },
  ...(may("platform.inference.read")
    ? [{ type: "section" as const, text: "Token Factory", items: [link("/admin/models", "Models"), link("/admin/upstreams", "Upstreams"), link("/admin/gateways", "Gateways")] }] : []),
  { type: "section", text: "Prove", items: [link("/admin/evidence", "Evidence"), link("/admin/certificates", "Certificates")] },
  { type: "section", text: "Business", items: [link("/admin/tenants", "Tenants"), link("/admin/prices", "Prices"), link("/admin/domains", "Domains")] },
];

export interface Crumb { text: string; href: string }

const ID = /^[a-z]+_[0-9a-z]{26}$/;

/** `name`: what the page calls itself, which stands for an id at the end of the trail. */
export function crumbsOf(pathname: string, signedIn: boolean, name?: string): Crumb[] {
  const parts = pathname.split("/").filter(Boolean);
  const start = { text: "Console", href: signedIn ? "/home" : "/" };
  return [start, ...parts.filter((part) => part !== "home").map((part) => {
    const path = `/${parts.slice(0, parts.indexOf(part) + 1).join("/")}`;
    return { text: titles[part] ?? (name && ID.test(part) ? name : decodeURIComponent(part)), href: path };
  })];
}

/** The entry of the side navigation that a page belongs to: /allocations/alloc_1 lights up /allocations. */
export function activeHref(pathname: string): string {
  const parts = pathname.split("/").filter(Boolean);
  return `/${parts.slice(0, parts[0] === "admin" ? 2 : 1).join("/")}`;
}
