import { useParams } from "@tanstack/react-router";
import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { Instance } from "../../api/types";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canOpen, canStop, isEnded } from "./can";
import { useInstance, useInstanceEvents, useLogs, useOpen, useStop } from "./data";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useInstance(id);
  const open = useOpen();
  const stop = useStop();
  return (
    <DetailPage
      title={data?.name ?? "Instance"}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="instance id" /></span>}
      actions={data && (
        <SpaceBetween direction="horizontal" size="xs">
          <CanButton can={canStop(data)} loading={stop.isPending} onClick={() => stop.mutate(data.id)}>Stop</CanButton>
          {data.kind === "web" && <CanButton variant="primary" iconName="external" can={canOpen(data)} loading={open.isPending} onClick={() => open.mutate(data.id)}>Open</CanButton>}
        </SpaceBetween>
      )}
      pending={isPending} error={data ? null : error} onRetry={() => void refetch()}
    >
      <ProblemAlert error={open.error ?? stop.error} />
      {data && <InstanceSections instance={data} />}
    </DetailPage>
  );
}

function InstanceSections({ instance }: { instance: Instance }) {
  return (
    <SpaceBetween size="l">
      {instance.failure && <Alert type="error" header="It did not run">{instance.failure.detail}</Alert>}
      {instance.stop_reason === "idle" && <Alert type="info" header="It was idle">Nobody used it for {instance.autostop_minutes} minutes, so it was stopped. What is on volumes stays.</Alert>}
      <Facts instance={instance} />
      <Logs instance={instance} />
      <Events instance={instance} />
    </SpaceBetween>
  );
}

function Facts({ instance }: { instance: Instance }) {
  const parameters = Object.entries(instance.parameters).map(([name, value]) => ({ label: name, value: <code>{String(value)}</code> }));
  return (
    <Container header={<Header variant="h2">Facts</Header>}>
      <KeyValuePairs columns={3} items={[
        { label: "App", value: `${instance.app} ${instance.app_version}` },
        { label: "Machine", value: <Link href={`/allocations/${instance.allocation_id}`}>{instance.allocation_id}</Link> },
        { label: "Exit code", value: instance.exit_code ?? (isEnded(instance) ? "None" : "Not ended yet") },
        { label: "Started", value: <RelativeTime at={instance.started_at} never="Not yet" /> },
        { label: "Last used", value: <RelativeTime at={instance.last_active_at} never="Not yet" /> },
        { label: "Stops when idle for", value: instance.autostop_minutes ? `${instance.autostop_minutes} minutes` : "Never" },
        ...parameters,
      ]} />
    </Container>
  );
}

function Logs({ instance }: { instance: Instance }) {
  const logs = useLogs(instance);
  const text = logs.data?.text ?? "";
  const note = logs.data?.start_offset ? "Earlier output is not kept." : "Output and errors, at most the last MiB.";
  return (
    <Container header={<Header variant="h2" description={note}>Output</Header>}>
      <ProblemAlert error={logs.error} doing="The output could not be loaded" />
      <pre className="app-output" tabIndex={0} aria-label={`Output of ${instance.name}`}>{text || (isEnded(instance) ? "It printed nothing." : "Nothing printed yet.")}</pre>
    </Container>
  );
}

function Events({ instance }: { instance: Instance }) {
  const events = useInstanceEvents(instance);
  return (
    <Table
      variant="container"
      header={<Header variant="h2" description="Every change of state: who, why and when.">Events</Header>}
      ariaLabels={{ tableLabel: "Events of this instance" }}
      loading={events.isPending && !events.error} loadingText="Loading events"
      items={[...(events.data ?? [])].reverse()} trackBy={(item) => String(item.seq)} empty="No event yet."
      columnDefinitions={[
        { id: "when", header: "When", cell: (item) => <RelativeTime at={item.at} />, minWidth: 130 },
        { id: "to", header: "State", cell: (item) => <StateBadge state={item.to_state} />, isRowHeader: true, minWidth: 130 },
        { id: "why", header: "Why", cell: (item) => item.why || "–", minWidth: 220 },
        { id: "who", header: "Who", cell: (item) => item.who, minWidth: 120 },
        { id: "spent", header: "After", cell: (item) => `${item.seconds.toFixed(1)} s` },
      ]}
    />
  );
}
