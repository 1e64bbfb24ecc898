import type { ComponentType } from "react";

export type PageLoader = () => Promise<{ Page: ComponentType }>;
export interface ConsolePage { path: string; load: PageLoader; access: "anyone" | "signed-in" | "operator" }

const own = (path: string, load: PageLoader): ConsolePage => ({ path, load, access: "signed-in" });
const operator = (path: string, load: PageLoader): ConsolePage => ({ path, load, access: "operator" });

/**
 * Every page of the console. The list travels with the router, fetched beside the session: it grows with every page,
 * and what a visitor downloads first must not. A launch can be configured before signing in, so its page is open to anyone.
 */
export const consolePages: ConsolePage[] = [
  { path: "/launch", load: () => import("../domains/provisioning/launch"), access: "anyone" },
  { path: "/gallery", load: () => import("../domains/product/gallery"), access: "anyone" },
  own("/home", () => import("../domains/product/home")),
  own("/allocations", () => import("../domains/provisioning/allocations")),
  own("/allocations/$id", () => import("../domains/provisioning/allocation")),
  own("/apps", () => import("../domains/app_platform/apps")),
  own("/instances", () => import("../domains/app_platform/instances")),
  own("/instances/$id", () => import("../domains/app_platform/instance")),
  own("/token-usage", () => import("../domains/app_platform/token-usage")),
  own("/volumes", () => import("../domains/storage_network/volumes")),
  own("/buckets", () => import("../domains/storage_network/buckets")),
  own("/buckets/$id", () => import("../domains/storage_network/bucket")),
  own("/ssh-keys", () => import("../domains/iam/ssh-keys")),
  own("/keys", () => import("../domains/iam/keys")),
  own("/projects", () => import("../domains/iam/projects")),
  own("/members", () => import("../domains/iam/members")),
  own("/audit", () => import("../domains/iam/audit")),
  own("/evidence", () => import("../domains/observability/evidence")),
  own("/webhooks", () => import("../domains/platform_control/webhooks")),
  own("/webhooks/$id", () => import("../domains/platform_control/webhook")),
  own("/notifications", () => import("../domains/platform_control/notifications")),
  own("/statement", () => import("../domains/billing/statement")),
  operator("/admin", () => import("../domains/product/operate")),
  own("/networks", () => import("../domains/storage_network/networks")),
  own("/networks/$id", () => import("../domains/storage_network/network")),
  own("/security-groups", () => import("../domains/storage_network/security-groups")),
  own("/security-groups/$id", () => import("../domains/storage_network/security-group")),
  own("/published-ports", () => import("../domains/storage_network/published-ports")),
  operator("/admin/nodes", () => import("../domains/provisioning/nodes")),
  operator("/admin/nodes/$id", () => import("../domains/provisioning/node")),
  operator("/admin/health", () => import("../domains/platform_control/health")),
  operator("/admin/slos", () => import("../domains/platform_control/slos")),
  operator("/admin/incidents", () => import("../domains/observability/incidents")),
  operator("/admin/incidents/$id", () => import("../domains/observability/incident")),
  operator("/admin/runbooks", () => import("../domains/observability/runbooks")),
  operator("/admin/runbooks/$domain", () => import("../domains/observability/runbooks")),
  operator("/admin/runbooks/$domain/$name", () => import("../domains/observability/runbook")),
  operator("/admin/evidence", () => import("../domains/observability/evidence")),
  operator("/admin/models", () => import("../domains/app_platform/offered-models")),
  operator("/admin/upstreams", () => import("../domains/app_platform/upstreams")),
  operator("/admin/gateways", () => import("../domains/app_platform/gateways")),
  operator("/admin/prices", () => import("../domains/billing/prices")),
  operator("/admin/tenants", () => import("../domains/iam/tenants")),
  operator("/admin/dead-letters", () => import("../domains/platform_control/dead-letters")),
  operator("/admin/dead-letters/$id", () => import("../domains/platform_control/dead-letter")),
  operator("/admin/certificates", () => import("../domains/platform_control/certificates")),
  operator("/admin/domains", () => import("../domains/platform_control/domains")),
];
