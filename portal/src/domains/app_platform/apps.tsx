import { useState } from "react";
import type { App } from "../../api/types";
import { useScope } from "../../shell/scope";
import { CanButton } from "../../ui/Can";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { useAllocations } from "../provisioning/data";
import { canLaunch } from "./can";
import { useApps } from "./data";
import { LaunchApp } from "./launch-app";

export function Page() {
  const { projectId } = useScope();
  const list = useApps();
  const active = useAllocations(projectId).items.filter(({ state, release_requested_at }) => state === "active" && !release_requested_at);
  const [chosen, setChosen] = useState<App | null>(null);
  const columns: Column<App>[] = [
    { id: "title", header: "App", isRowHeader: true, value: (a) => a.title, cell: (a) => a.title, minWidth: 150 },
    { id: "summary", header: "What it does", value: (a) => a.summary, cell: (a) => a.summary, minWidth: 260 },
    { id: "kind", header: "Kind", value: (a) => a.kind, cell: (a) => (a.kind === "web" ? "In the browser" : "Batch") },
    { id: "version", header: "Version", value: (a) => a.version, cell: (a) => a.version },
    { id: "publisher", header: "Signed by", value: (a) => a.publisher, cell: (a) => a.publisher, minWidth: 130 },
    { id: "launch", header: "Action", cell: (a) => <CanButton can={canLaunch(active)} ariaLabel={`Launch ${a.title}`} onClick={() => setChosen(a)}>Launch</CanButton>, minWidth: 140 },
  ];
  return (
    <>
      <ListPage<App>
        title="Apps" noun="apps" description="What can run inside your allocations. An app costs nothing of its own: the machine is what you pay for."
        list={list} columns={columns} itemKey={(a) => a.name} itemLabel={(a) => a.title}
        empty={<EmptyState title="No app is offered here">The operator of this platform has published none.</EmptyState>}
      />
      {chosen && <LaunchApp app={chosen} allocations={active} onClose={() => setChosen(null)} />}
    </>
  );
}
