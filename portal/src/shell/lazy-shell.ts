import type { FunctionComponent, ReactNode } from "react";
import { lazyRouteComponent } from "@tanstack/react-router";

/** The console's frame, downloaded when it is needed. Once preloaded it renders at once, so that nothing flashes. */
export const LazyAppShell = lazyRouteComponent(() => import("./AppShell"), "default") as unknown as FunctionComponent<{
  children?: ReactNode;
}> & { /** Gone once it is downloaded. */ preload?: () => Promise<void> };
