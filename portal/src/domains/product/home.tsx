import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useSession } from "../../api/client";
import { type ListState } from "../../api/list";
import type { Allocation, Session, Wallet } from "../../api/types";
import { useScope } from "../../shell/scope";
import { Cost, RunningCost } from "../../ui/Cost";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { Figure } from "../../ui/Figure";
import { plus } from "../../ui/money";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { QuotaGauge } from "../../ui/QuotaGauge";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useWallet } from "../billing/quote";
import { useQuotas, useSshKeys } from "../iam/data";
import { roleName } from "../iam/roles";
import { isEnded } from "../provisioning/can";
import { useAllocations, useNewestDraft } from "../provisioning/data";
import { attentionOf } from "./attention";

/** What a person finds after signing in: what waits for them, what runs, what it costs; more for those who may see more. */
export function Page() {
  const session = useSession();
  const { projectId } = useScope();
  const may = (permission: string) => session.permissions.includes(permission);
  const allocations = useAllocations(projectId);
  const wallet = useWallet(may("wallet.read"));
  const running = allocations.items.filter((item) => !isEnded(item));
  const first = session.principal?.name?.split(" ")[0];
  return (
    <DetailPage title={first ? `Welcome, ${first}` : "Home"} description={roleLine(session)} actions={may("allocation.create") && <Button variant="primary" href="/launch">Launch</Button>}>
      <ProblemAlert error={allocations.error} doing="Your allocations could not be loaded" onRetry={allocations.refresh} />
      <Waiting allocations={allocations.items} wallet={wallet.data} drafts={may("allocation.create")} />
      {!allocations.isPending && may("allocation.create") && <FirstSteps allocations={allocations.items} />}
      <Figures running={running} wallet={wallet.data} />
      <Running list={allocations} running={running} launches={may("allocation.create")} />
      <Quotas projectId={projectId ?? session.projects[0]?.id} />
      <RolePlaces session={session} />
    </DetailPage>
  );
}

function roleLine({ roles, tenant }: Session): string | undefined {
  const words = roles.map(roleName).join(", ");
  return words && tenant ? `${words.charAt(0).toUpperCase()}${words.slice(1)} of ${tenant.name}` : undefined;
}

function Waiting({ allocations, wallet, drafts }: { allocations: Allocation[]; wallet: Wallet | undefined; drafts: boolean }) {
  const newest = useNewestDraft(drafts);
  const [dismissed, setDismissed] = useState<string[]>([]);
  const items = attentionOf({ allocations, wallet, draft: newest.data, now: new Date() }).filter(({ id }) => !dismissed.includes(id));
  return (
    <>
      {items.map((item) => (
        <Alert
          key={item.id} type={item.tone} header={item.title} action={<Button href={item.href}>{item.action}</Button>}
          dismissible dismissAriaLabel={`Hide: ${item.title}`} onDismiss={() => setDismissed((before) => [...before, item.id])}
        >
          {item.detail}
        </Alert>
      ))}
    </>
  );
}

/** The way to the first machine; it goes away once it has been walked. */
function FirstSteps({ allocations }: { allocations: Allocation[] }) {
  const keys = useSshKeys();
  const everActive = allocations.some((item) => item.activated_at !== null);
  if (everActive || keys.isPending) return null;
  const steps = [
    { done: keys.items.length > 0, text: <>Have an SSH key. <Link href="/ssh-keys">Add one</Link>, or paste it inside the launch.</> },
    { done: allocations.length > 0, text: <>Launch a machine. <Link href="/launch">Choose hardware</Link>; your promotional credit covers it.</> },
    { done: false, text: "Copy the SSH command from the machine's page and log in." },
    { done: false, text: <>Release it, and find the exact cost on your <Link href="/statement">statement</Link>.</> },
  ];
  return (
    <Container header={<Header variant="h2" description="About two minutes from here to a shell.">Your first machine</Header>}>
      <ol className="first-steps">
        {steps.map(({ done, text }, index) => (
          <li key={index}><StatusIndicator type={done ? "success" : "pending"}>{done ? "Done" : `Step ${index + 1}`}</StatusIndicator><span>{text}</span></li>
        ))}
      </ol>
    </Container>
  );
}

function Figures({ running, wallet }: { running: Allocation[]; wallet: Wallet | undefined }) {
  const active = running.filter((item) => item.state === "active");
  const currency = active[0]?.price.currency ?? wallet?.currency ?? "EUR";
  const perHour = active.reduce((sum, item) => plus(sum, item.price.amount), "0");
  return (
    <Container>
      <ColumnLayout columns={4} variant="text-grid" minColumnWidth={140}>
        <Figure label="Running now">{String(active.length)}</Figure>
        <Figure label="Cost per hour"><Cost value={{ amount: perHour, currency }} /></Figure>
        <Figure label="Held"><Cost value={wallet?.held} /></Figure>
        <Figure label="Credit available"><Cost value={wallet?.available} /></Figure>
      </ColumnLayout>
    </Container>
  );
}

/** What is left of the project's quota, of what is used at all. */
function Quotas({ projectId }: { projectId: string | undefined }) {
  const { data: quotas = [] } = useQuotas();
  const used = quotas.filter((quota) => quota.project_id === projectId && quota.used > 0);
  if (used.length === 0) return null;
  return (
    <Container header={<Header variant="h2" actions={<Button href="/projects">Projects and quotas</Button>}>Quota in use</Header>}>
      <ColumnLayout columns={3} minColumnWidth={180}>{used.map((quota) => <QuotaGauge key={quota.resource} quota={quota} />)}</ColumnLayout>
    </Container>
  );
}

/** Ways on for those who do more than launch. */
function RolePlaces({ session }: { session: Session }) {
  const may = (permission: string) => session.permissions.includes(permission);
  const places = [
    { label: "People", value: <Link href="/members">Members and roles</Link>, shown: may("member.manage") },
    { label: "Money", value: <Link href="/statement">Statement of this month</Link>, shown: may("statement.read") },
    { label: "Proof", value: <Link href="/audit">Audit log</Link>, shown: may("audit.read") },
    { label: "Platform", value: <Link href="/admin">Overview for operators</Link>, shown: session.operator },
  ].filter(({ shown }) => shown);
  if (places.length === 0) return null;
  return <Container header={<Header variant="h2">Yours to look after</Header>}><KeyValuePairs columns={4} minColumnWidth={150} items={places.map(({ label, value }) => ({ label, value }))} /></Container>;
}

function Running({ list, running, launches }: { list: ListState<Allocation>; running: Allocation[]; launches: boolean }) {
  return (
    <Table<Allocation>
      variant="container"
      header={<Header variant="h2" counter={`(${running.length})`} actions={<Button href="/allocations">All allocations</Button>}>Running</Header>}
      ariaLabels={{ tableLabel: "Running allocations" }}
      loading={list.isPending && !list.error}
      loadingText="Loading allocations"
      items={running}
      trackBy="id"
      empty={<EmptyState title="Nothing is running, so nothing costs" action={launches ? { text: "Launch a machine", href: "/launch" } : undefined}>Machines that run, and what they cost, appear here.</EmptyState>}
      columnDefinitions={[
        { id: "name", header: "Name", isRowHeader: true, minWidth: 150, cell: (item) => <Link href={`/allocations/${item.id}`}>{item.name}</Link> },
        { id: "state", header: "State", minWidth: 120, cell: (item) => <StateBadge state={item.state} /> },
        { id: "sku", header: "Hardware", cell: (item) => <code>{item.sku}</code> },
        { id: "since", header: "Active", minWidth: 130, cell: (item) => <RelativeTime at={item.activated_at} never="Not yet" /> },
        { id: "cost", header: "Cost so far", minWidth: 110, cell: (item) => <RunningCost allocation={item} asOf={list.updatedAt} /> },
      ]}
    />
  );
}
