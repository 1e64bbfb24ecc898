import Link from "@cloudscape-design/components/link";
import type { Incident } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { duration, RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useIncidents } from "./data";
import { runbookHref } from "./runbook-links";

const columns: Column<Incident>[] = [
  { id: "state", header: "State", value: (incident) => incident.state, cell: (incident) => <StateBadge state={incident.state} /> },
  { id: "cause", header: "What is wrong", isRowHeader: true, value: (incident) => incident.cause, cell: (incident) => <Link href={`/admin/incidents/${incident.id}`}>{incident.cause}</Link>, minWidth: 300 },
  { id: "flow", header: "Kind and state", value: (incident) => `${incident.flow_kind} ${incident.flow_state}`, cell: (incident) => <code>{incident.flow_kind}: {incident.flow_state}</code>, minWidth: 200 },
  { id: "subject", header: "About", value: (incident) => incident.subject_id, cell: (incident) => <CopyId id={incident.subject_id} label="id" short />, minWidth: 170 },
  { id: "deadline", header: "Deadline", cell: (incident) => duration(incident.deadline_seconds) },
  { id: "opened", header: "Opened", value: (incident) => incident.opened_at, cell: (incident) => <RelativeTime at={incident.opened_at} />, minWidth: 120 },
  { id: "resolved", header: "Resolved", value: (incident) => incident.resolved_at ?? "", cell: (incident) => <RelativeTime at={incident.resolved_at} never="Not yet" />, minWidth: 120 },
  { id: "runbook", header: "Runbook", cell: (incident) => <Link href={runbookHref(incident.runbook_url)}>{incident.runbook_url?.split("/").at(-1) ?? "–"}</Link>, minWidth: 220 },
];

export function Page() {
  return (
    <ListPage<Incident>
      title="Incidents" noun="incidents" description="What missed its deadline or its heartbeat, why, and what to do. Each closes itself when its cause is gone."
      list={useIncidents()} columns={columns} itemKey={(incident) => incident.id}
      empty={<EmptyState title="No incident">Every flow meets its deadlines, and every node is heard of.</EmptyState>}
    />
  );
}
