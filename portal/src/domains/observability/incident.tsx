import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import Alert from "@cloudscape-design/components/alert";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import { answer, api } from "../../api/http";
import type { IncidentDetail, IncidentStep } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { duration, ExactMoment, RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { RunbookText } from "./RunbookText";
import { runbookHref } from "./runbook-links";

const EVERY_10_SECONDS = 10_000;

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["/api/v3/admin/incidents", id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/admin/incidents/{incident_id}", { params: { path: { incident_id: id } }, signal })) as Promise<IncidentDetail>,
    refetchInterval: EVERY_10_SECONDS,
  });
  return (
    <DetailPage
      title="Incident" pending={isPending} error={data ? null : error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="incident id" /></span>}
    >
      {data && <Sections incident={data} />}
    </DetailPage>
  );
}

function Sections({ incident }: { incident: IncidentDetail }) {
  const [, domain = "", name = ""] = /runbooks\/([^/]+)\/([^/]+)$/.exec(incident.runbook_url ?? "") ?? [];
  return (
    <>
      <Alert type={incident.state === "open" ? "error" : "success"} header={incident.state === "open" ? incident.cause : incident.resolution ?? "It is over"}>
        {incident.state === "open" ? "It closes itself when the cause is gone." : incident.cause}
      </Alert>
      <Facts incident={incident} />
      <ColumnLayout columns={2} minColumnWidth={380}>
        <Timeline steps={incident.timeline} />
        {name && <Container header={<Header variant="h2" description={<Link href={runbookHref(incident.runbook_url)}>Open it alone</Link>}>What to do</Header>}><RunbookText domain={domain} name={name} /></Container>}
      </ColumnLayout>
    </>
  );
}

function Facts({ incident }: { incident: IncidentDetail }) {
  return (
    <Container header={<Header variant="h2">Details</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          { label: "About", value: <Subject incident={incident} /> },
          { label: "What", value: <code>{incident.flow_kind}: {incident.flow_state}</code> },
          { label: "Allowed", value: duration(incident.deadline_seconds) },
          { label: "Since", value: <RelativeTime at={incident.entered_at} /> },
          { label: "Opened", value: <RelativeTime at={incident.opened_at} /> },
          { label: "Resolved", value: <RelativeTime at={incident.resolved_at} never="Not yet" /> },
          { label: "Tenant", value: incident.tenant_id ? <CopyId id={incident.tenant_id} label="tenant id" short /> : "None: the platform's own" },
          { label: "Evidence", value: <Link href={`/admin/evidence?id=${encodeURIComponent(incident.subject_id)}`}>Everything about it</Link> },
        ]}
      />
    </Container>
  );
}

function Subject({ incident }: { incident: IncidentDetail }) {
  if (incident.flow_kind === "provisioning.node") return <Link href={`/admin/nodes/${incident.subject_id}`}>{incident.subject_id}</Link>;
  return <CopyId id={incident.subject_id} label="id" short />;
}

function Timeline({ steps }: { steps: IncidentStep[] }) {
  return (
    <Table<IncidentStep>
      variant="container" header={<Header variant="h2">What happened</Header>} ariaLabels={{ tableLabel: "What happened" }} wrapLines
      items={steps}
      columnDefinitions={[
        { id: "at", header: "When (UTC)", cell: (step) => <ExactMoment at={step.at} />, minWidth: 130 },
        { id: "what", header: "What", isRowHeader: true, cell: (step) => step.what },
        { id: "who", header: "Who", cell: (step) => step.who },
      ]}
    />
  );
}
