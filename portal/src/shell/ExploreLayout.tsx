import { Outlet } from "@tanstack/react-router";
import { useSession } from "../api/client";
import { LazyAppShell } from "./lazy-shell";
import { PublicLayout } from "./PublicLayout";

/** Catalogue, prices and regions: open to anyone, and inside the console for those who have signed in. */
export function ExploreLayout() {
  const session = useSession();
  if (!session.authenticated) return <PublicLayout><Outlet /></PublicLayout>;
  return <LazyAppShell><Outlet /></LazyAppShell>;
}
