import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import type { Instance } from "../../api/types";
import { useScope } from "../../shell/scope";
import { BulkDialog } from "../../ui/BulkDialog";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canStop } from "./can";
import { useInstances, useStop } from "./data";

const columns: Column<Instance>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (i) => i.name, cell: (i) => <Link href={`/instances/${i.id}`}>{i.name}</Link>, minWidth: 160 },
  { id: "state", header: "State", value: (i) => i.state, cell: (i) => <StateBadge state={i.state} />, minWidth: 130 },
  { id: "app", header: "App", value: (i) => i.app, cell: (i) => `${i.app} ${i.app_version}`, minWidth: 140 },
  { id: "exit", header: "Exit code", value: (i) => i.exit_code ?? -1, cell: (i) => i.exit_code ?? "–" },
  { id: "allocation", header: "Machine", value: (i) => i.allocation_id, cell: (i) => <Link href={`/allocations/${i.allocation_id}`}>{i.allocation_id}</Link>, minWidth: 150 },
  { id: "created", header: "Created", value: (i) => i.created_at, cell: (i) => <RelativeTime at={i.created_at} />, minWidth: 130 },
  { id: "id", header: "Id", value: (i) => i.id, cell: (i) => <CopyId id={i.id} label="instance id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const [stopping, setStopping] = useState<Instance[]>([]);
  const stop = useStop();
  return (
    <>
      <ListPage<Instance>
        title="App instances" noun="instances" description="Apps at work in your allocations, and those that have ended."
        list={useInstances(projectId)} columns={columns} itemKey={(i) => i.id} itemLabel={(i) => i.name} selectable
        empty={<EmptyState title="No app has run yet" action={{ text: "Choose an app", href: "/apps" }}>Notebooks, a terminal or a batch command, inside a machine of yours.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, canStop, "instance")} onClick={() => setStopping(selected)}>Stop</CanButton>
            <Button variant="primary" href="/apps">Launch an app</Button>
          </>
        )}
      />
      {stopping.length > 0 && (
        <BulkDialog action="Stop" noun="instance" done="is being stopped" items={stopping} can={canStop} act={({ id }) => stop.mutateAsync(id)} onClose={() => setStopping([])}>
          What runs in {stopping.length > 1 ? "them" : "it"} ends. What was written to a volume stays, and so does the output.
        </BulkDialog>
      )}
    </>
  );
}
