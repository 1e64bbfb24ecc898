import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { queryClient, sessionQuery } from "../api/client";
import type { ConsolePage, PageLoader } from "./pages";
import { LazyAppShell } from "./lazy-shell";
import { PageBroke, PageLoading, PageNotFound } from "./fallbacks";

/** The address bar holds plain words: every search value is a string. */
function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}
function stringifySearch(search: Record<string, unknown>): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

async function preloadShellForMembers() {
  const session = await queryClient.ensureQueryData(sessionQuery);
  if (session.authenticated) await LazyAppShell.preload?.();
}
async function signedIn({ location }: { location: { href: string } }) {
  const session = await queryClient.ensureQueryData(sessionQuery);
  if (!session.authenticated) throw redirect({ to: "/signin", search: { next: location.href } as never });
}
/** Pages of a tenant. An operator who belongs to none starts at the overview of the operators. */
async function inTenant(context: { location: { href: string } }) {
  await signedIn(context);
  const session = await queryClient.ensureQueryData(sessionQuery);
  if (!session.tenant && session.operator) throw redirect({ to: "/admin" as never });
}
async function operatorOnly(context: { location: { href: string } }) {
  await signedIn(context);
  const session = await queryClient.ensureQueryData(sessionQuery);
  if (!session.operator) throw redirect({ to: "/home" });
}

export function createPortalRouter(consolePages: ConsolePage[]) {
  const root = createRootRoute({ component: Outlet, notFoundComponent: PageNotFound, errorComponent: PageBroke });
  const publicLayout = createRoute({
    getParentRoute: () => root, id: "public", component: lazyRouteComponent(() => import("./PublicLayout"), "PublicLayout"),
  });
  const exploreLayout = createRoute({
    getParentRoute: () => root, id: "explore", beforeLoad: preloadShellForMembers, component: lazyRouteComponent(() => import("./ExploreLayout"), "ExploreLayout"),
  });
  const consoleLayout = createRoute({
    getParentRoute: () => root, id: "console", component: LazyAppShell,
  });
  const page = <P extends typeof publicLayout | typeof exploreLayout | typeof consoleLayout>(parent: P, path: string, load: PageLoader, guard?: typeof signedIn) =>
    createRoute({ getParentRoute: () => parent as typeof consoleLayout, path, beforeLoad: guard, component: lazyRouteComponent(load, "Page" as never) });

  const routeTree = root.addChildren([
    publicLayout.addChildren([
      page(publicLayout as never, "/", () => import("../domains/product/landing")),
      page(publicLayout as never, "/signin", () => import("../domains/iam/signin")),
      page(publicLayout as never, "/device", () => import("../domains/iam/device"), signedIn),
    ]),
    exploreLayout.addChildren([
      page(exploreLayout as never, "/catalog", () => import("../domains/product/catalog")),
      page(exploreLayout as never, "/models", () => import("../domains/app_platform/models")),
      page(exploreLayout as never, "/pricing", () => import("../domains/billing/pricing")),
      page(exploreLayout as never, "/regions", () => import("../domains/platform_control/regions")),
    ]),
    consoleLayout.addChildren(consolePages.map(({ path, load, access }) =>
      page(consoleLayout, path, load, access === "anyone" ? undefined : access === "operator" ? operatorOnly : inTenant))),
  ]);
  return createRouter({
    routeTree, parseSearch, stringifySearch, defaultPreload: "intent", scrollRestoration: true,
    defaultPendingComponent: PageLoading, defaultErrorComponent: PageBroke, defaultNotFoundComponent: PageNotFound,
  });
}
