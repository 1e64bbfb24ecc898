import type { ReactNode } from "react";
import { RouterProvider } from "@tanstack/react-router";
import { followLinksInside } from "./links";
import { consolePages } from "./pages";
import { createPortalRouter } from "./router";

/** The router with every page of the portal, and the code of the page that the address names. */
export async function openPortal(): Promise<ReactNode> {
  const router = createPortalRouter(consolePages);
  followLinksInside(router);
  await router.load().catch(() => undefined); // what could not be loaded is said where it would have been shown
  return <RouterProvider router={router} />;
}
