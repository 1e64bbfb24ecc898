import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import type { Incident, Slo } from "../../api/types";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { Figure } from "../../ui/Figure";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useIncidents } from "../observability/data";
import { runbookHref } from "../observability/runbook-links";
import { burnOf, percent, worstFirst } from "../platform_control/burn";
import { useDeadLetters, useHealth, useSlos } from "../platform_control/data";
import { useNodes } from "../provisioning/data";
import { bySilicon, inTrouble, sumOf, type SiliconLine } from "./fleet-figures";

/** Where operators begin: is it well, what is open, what is there. Each figure leads to its page. */
export function Page() {
  const incidents = useIncidents();
  const nodes = useNodes();
  const slos = useSlos();
  const open = incidents.items.filter(({ state }) => state !== "resolved");
  const troubled = worstFirst(inTrouble(slos.data?.items ?? []));
  const lines = bySilicon(nodes.items);
  return (
    <DetailPage title="Overview" description="Is the platform well, what is open, and what is there to sell.">
      <ProblemAlert error={nodes.error} doing="The fleet could not be loaded" onRetry={nodes.refresh} />
      <ProblemAlert error={incidents.error} doing="Incidents could not be loaded" onRetry={incidents.refresh} />
      <Figures open={open.length} troubled={troubled.length} lines={lines} more={nodes.hasMore} />
      <OpenIncidents incidents={open} loading={incidents.isPending && !incidents.error} />
      {troubled.length > 0 && <Troubled slos={troubled} />}
      <Fleet lines={lines} loading={nodes.isPending && !nodes.error} />
    </DetailPage>
  );
}

function Figures({ open, troubled, lines, more }: { open: number; troubled: number; lines: SiliconLine[]; more: boolean }) {
  const health = useHealth();
  const letters = useDeadLetters();
  const waiting = letters.items.filter(({ state }) => state !== "replayed").length;
  const sum = sumOf(lines);
  return (
    <Container>
      <ColumnLayout columns={4} variant="text-grid" minColumnWidth={130}>
        <Figure label="Health" href="/admin/health">{health.data ? <StateBadge state={health.data.state} /> : "–"}</Figure>
        <Figure label="Open incidents" href="/admin/incidents?filter=state%3Dopen">{open}</Figure>
        <Figure label="Dead letters" href="/admin/dead-letters?filter=state%3Dopen">{waiting}{letters.hasMore ? "+" : ""}</Figure>
        <Figure label="Promises in trouble" href="/admin/slos">{troubled}</Figure>
        <Figure label="Nodes ready" href="/admin/nodes">{sum.ready} of {sum.nodes}{more ? "+" : ""}</Figure>
        <Figure label="Slots free">{sum.free} of {sum.slots}</Figure>
        <Figure label="Slots in use">{sum.occupied}</Figure>
        <Figure label="Slots quarantined">{sum.quarantined}</Figure>
      </ColumnLayout>
    </Container>
  );
}

function OpenIncidents({ incidents, loading }: { incidents: Incident[]; loading: boolean }) {
  return (
    <Table<Incident>
      variant="container" items={incidents.slice(0, 5)} trackBy="id" loading={loading} loadingText="Loading incidents" ariaLabels={{ tableLabel: "Open incidents" }}
      header={<Header variant="h2" counter={`(${incidents.length})`} actions={<Button href="/admin/incidents">All incidents</Button>}>Open incidents</Header>}
      empty={<EmptyState title="Nothing is open">Every flow meets its deadlines, and every node is heard of.</EmptyState>}
      columnDefinitions={[
        { id: "cause", header: "What is wrong", isRowHeader: true, minWidth: 260, cell: (incident) => <Link href={`/admin/incidents/${incident.id}`}>{incident.cause}</Link> },
        { id: "opened", header: "Opened", minWidth: 120, cell: (incident) => <RelativeTime at={incident.opened_at} /> },
        { id: "runbook", header: "Runbook", minWidth: 180, cell: (incident) => <Link href={runbookHref(incident.runbook_url)}>{incident.runbook_url?.split("/").at(-1) ?? "–"}</Link> },
      ]}
    />
  );
}

function Troubled({ slos }: { slos: Slo[] }) {
  return (
    <Table<Slo>
      variant="container" items={slos.slice(0, 5)} trackBy={(slo) => `${slo.domain} ${slo.name}`} ariaLabels={{ tableLabel: "Promises in trouble" }}
      header={<Header variant="h2" counter={`(${slos.length})`} actions={<Button href="/admin/slos">All SLOs</Button>}>Promises in trouble</Header>}
      columnDefinitions={[
        { id: "name", header: "Promise", isRowHeader: true, minWidth: 220, cell: (slo) => slo.name },
        { id: "domain", header: "Domain", minWidth: 140, cell: (slo) => <code>{slo.domain}</code> },
        { id: "state", header: "State", minWidth: 120, cell: (slo) => <StateBadge state={slo.state} /> },
        { id: "left", header: "Budget left", cell: (slo) => percent(slo.budget_left) },
        { id: "burn", header: "Burn 1 h", cell: (slo) => burnOf(slo, "1h") },
      ]}
    />
  );
}

function Fleet({ lines, loading }: { lines: SiliconLine[]; loading: boolean }) {
  return (
    <Table<SiliconLine>
      variant="container" items={lines} trackBy="silicon" loading={loading} loadingText="Loading the fleet" ariaLabels={{ tableLabel: "Fleet by silicon" }}
      header={<Header variant="h2" actions={<Button href="/admin/nodes">All nodes</Button>}>Fleet by silicon</Header>}
      empty={<EmptyState title="No node yet" action={{ text: "Enrol a node", href: "/admin/nodes?new=1" }}>A node enrols itself with a token that works once.</EmptyState>}
      columnDefinitions={[
        { id: "silicon", header: "Silicon", isRowHeader: true, minWidth: 150, cell: (line) => <Link href={`/admin/nodes?filter=${encodeURIComponent(`silicon=${encodeURIComponent(line.silicon)}`)}`}>{line.silicon}</Link> },
        { id: "ready", header: "Nodes ready", cell: (line) => `${line.ready} of ${line.nodes}` },
        { id: "free", header: "Slots free", cell: (line) => `${line.free} of ${line.slots}` },
        { id: "occupied", header: "In use", cell: (line) => line.occupied },
        { id: "quarantined", header: "Quarantined", cell: (line) => line.quarantined },
      ]}
    />
  );
}
