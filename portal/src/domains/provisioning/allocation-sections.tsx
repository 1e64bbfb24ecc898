import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { Allocation, Transition } from "../../api/types";
import { useSession } from "../../api/client";
import { Cost, RunningCost } from "../../ui/Cost";
import { EmptyState } from "../../ui/EmptyState";
import { IsolationLabel } from "../../ui/IsolationLabel";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { duration, RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { isEnded } from "./can";

export function CostSection({ allocation, asOf }: { allocation: Allocation; asOf: number }) {
  const month = (allocation.activated_at ?? allocation.created_at).slice(0, 7);
  return (
    <Container header={<Header variant="h2">Cost</Header>}>
      <SpaceBetween size="s">
        <div className="big-number"><RunningCost allocation={allocation} asOf={asOf} /></div>
        <Box color="text-body-secondary">
          <CostSentence allocation={allocation} />
        </Box>
        {allocation.activated_at && <Link href={`/statement?month=${month}`}>See it on the statement</Link>}
      </SpaceBetween>
    </Container>
  );
}

function CostSentence({ allocation }: { allocation: Allocation }) {
  const { activated_at: from, release_requested_at: to, price } = allocation;
  if (from === null) return <>{isEnded(allocation) ? "It never became active, so it cost nothing." : "Billing starts when access is verified."}</>;
  if (to === null) return <>Since <RelativeTime at={from} /> at <Cost value={price} per="hour" />. The exact amount is on the statement.</>;
  const seconds = (Date.parse(to) - Date.parse(from)) / 1_000;
  return <>Billed for {duration(seconds)} at <Cost value={price} per="hour" />. The exact amount is on the statement.</>;
}

export function FactsSection({ allocation }: { allocation: Allocation }) {
  const session = useSession();
  const project = session.projects.find(({ id }) => id === allocation.project_id)?.name ?? allocation.project_id;
  return (
    <Container header={<Header variant="h2">Details</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          { label: "Hardware", value: <code>{allocation.sku}</code> },
          { label: "Region", value: allocation.region_id ?? "–" },
          { label: "Project", value: project },
          { label: "Isolation", value: <IsolationLabel isolation={allocation.isolation} /> },
          { label: "Mode", value: allocation.mode.replace("-", " ") },
          { label: "Requested", value: <RelativeTime at={allocation.created_at} /> },
          { label: "Active since", value: <RelativeTime at={allocation.activated_at} never="Not yet" /> },
          { label: "Release asked for", value: <RelativeTime at={allocation.release_requested_at} never="No" /> },
        ]}
      />
    </Container>
  );
}

export function VolumesSection({ allocation }: { allocation: Allocation }) {
  return (
    <Table
      variant="container"
      header={<Header variant="h2" counter={`(${allocation.volumes.length})`}>Volumes</Header>}
      ariaLabels={{ tableLabel: "Volumes of this allocation" }}
      items={allocation.volumes}
      trackBy="id"
      empty={<EmptyState title="No volume attached">What is written outside a volume is erased at release.</EmptyState>}
      columnDefinitions={[
        { id: "name", header: "Name", cell: (volume) => <Link href="/volumes">{volume.name}</Link>, isRowHeader: true },
        { id: "size", header: "Size", cell: (volume) => `${volume.size_gb} GB` },
        { id: "path", header: "Found at", cell: (volume) => <code>{volume.mount_path}</code> },
      ]}
    />
  );
}

export function EventsSection({ transitions, pending, error }: { transitions: Transition[]; pending: boolean; error: unknown }) {
  return (
    <SpaceBetween size="s">
      <ProblemAlert error={error} doing="The events could not be loaded" />
      <Table
        variant="container"
        header={<Header variant="h2" counter={`(${transitions.length})`} description="Every change of state: who, why and when.">Events</Header>}
        ariaLabels={{ tableLabel: "Events of this allocation" }}
        loading={pending && !error}
        loadingText="Loading events"
        items={[...transitions].reverse()}
        trackBy={(item) => String(item.seq)}
        empty="No event yet."
        columnDefinitions={[
          { id: "when", header: "When", cell: (item) => <RelativeTime at={item.at} />, minWidth: 130 },
          { id: "to", header: "State", cell: (item) => <StateBadge state={item.to_state} />, isRowHeader: true, minWidth: 130 },
          { id: "why", header: "Why", cell: (item) => item.why || "–", minWidth: 220 },
          { id: "who", header: "Who", cell: (item) => item.who, minWidth: 120 },
          { id: "spent", header: "After", cell: (item) => (item.seconds === null ? "–" : `${item.seconds.toFixed(1)} s`) },
        ]}
      />
    </SpaceBetween>
  );
}
