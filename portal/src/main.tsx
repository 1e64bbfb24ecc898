import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import "@cloudscape-design/global-styles/index.css";
import "virtual:brand.css";
import "./shell/base.css";
import { queryClient, sessionQuery } from "./api/client";
import { readLiveData } from "./shell/live-data";

// The prerendered page stays on screen until the session and the first page's code are here, so nothing flashes. The
// router and the list of pages are fetched while the session is asked for: the first paint needs neither.
async function start() {
  readLiveData(queryClient);
  const session = queryClient.prefetchQuery(sessionQuery);
  const portal = import("./shell/portal").then(({ openPortal }) => openPortal());
  const [page] = await Promise.all([portal, session]);
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        {page}
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
