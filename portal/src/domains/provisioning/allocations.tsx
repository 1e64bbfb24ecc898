import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import type { Allocation } from "../../api/types";
import { useScope } from "../../shell/scope";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { Cost, RunningCost } from "../../ui/Cost";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canRelease } from "./can";
import { useAllocations } from "./data";
import { ReleaseDialog } from "./release";

export function Page() {
  const { projectId, projectName } = useScope();
  const list = useAllocations(projectId);
  const [releasing, setReleasing] = useState<Allocation[]>([]);
  return (
    <>
      <ListPage<Allocation>
        title="Allocations"
        noun="allocations"
        description={projectId ? `Machines of the project ${projectName}.` : "Machines of all your projects."}
        list={list}
        columns={columnsAsOf(list.updatedAt)}
        itemKey={(item) => item.id}
        itemLabel={(item) => item.name}
        selectable
        empty={
          <EmptyState title="No machine yet" action={{ text: "Launch the first one", href: "/launch" }}>
            A launch takes seconds and is billed only from the moment you can log in.
          </EmptyState>
        }
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, canRelease, "allocation")} onClick={() => setReleasing(selected)}>Release</CanButton>
            <Button variant="primary" href="/launch">Launch</Button>
          </>
        )}
      />
      {releasing.length > 0 && <ReleaseDialog allocations={releasing} onClose={() => setReleasing([])} />}
    </>
  );
}

export function columnsAsOf(updatedAt: number): Column<Allocation>[] {
  return [
    { id: "name", header: "Name", isRowHeader: true, value: (a) => a.name, cell: (a) => <Link href={`/allocations/${a.id}`}>{a.name}</Link>, minWidth: 160 },
    { id: "state", header: "State", value: (a) => a.state, cell: (a) => <StateBadge state={a.state} />, minWidth: 130 },
    { id: "sku", header: "Hardware", value: (a) => a.sku, cell: (a) => <code>{a.sku}</code> },
    { id: "region", header: "Region", value: (a) => a.region_id ?? "", cell: (a) => a.region_id ?? "–" },
    { id: "price", header: "Price", value: (a) => a.price.amount, cell: (a) => <Cost value={a.price} per="hour" />, minWidth: 140 },
    { id: "cost", header: "Cost so far", cell: (a) => <RunningCost allocation={a} asOf={updatedAt} /> },
    { id: "created", header: "Created", value: (a) => a.created_at, cell: (a) => <RelativeTime at={a.created_at} />, minWidth: 130 },
    { id: "id", header: "Id", value: (a) => a.id, cell: (a) => <CopyId id={a.id} label="allocation id" short />, minWidth: 170 },
  ];
}
