import { useMemo, useState, type ReactNode } from "react";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Wizard from "@cloudscape-design/components/wizard";
import { BulkDialog } from "../../ui/BulkDialog";
import { CanButton, no, yes } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { ConfirmByName } from "../../ui/ConfirmByName";
import { CopyId } from "../../ui/CopyId";
import { Cost } from "../../ui/Cost";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { Figure } from "../../ui/Figure";
import { ListPage, type Column } from "../../ui/ListPage";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { QuotaGauge } from "../../ui/QuotaGauge";
import { RelativeTime } from "../../ui/RelativeTime";
import { StageTimeline, stagesOf } from "../../ui/StageTimeline";
import { StateBadge } from "../../ui/StateBadge";
import { START, TERMINAL } from "../provisioning/stages";
import { sampleList, sampleProblem, sampleQuota, sampleTransitions, STATES, type Sample } from "./gallery-samples";

/** Every shared component once, with made-up content: to look at while building, and for the tests of accessibility. */
export function Page() {
  return (
    <DetailPage title="Gallery" description="Each shared component once, with made-up content. This is the detail page; every page is made of these.">
      <Piece name="State badges"><div className="gallery-row">{STATES.map((state) => <StateBadge key={state} state={state} />)}</div></Piece>
      <Piece name="Cost figures and facts"><Figures /></Piece>
      <Piece name="Timeline"><StageTimeline label="Stages of a sample" stages={stagesOf(START, sampleTransitions(), "starting", TERMINAL)} /></Piece>
      <Piece name="Problem alert"><ProblemAlert error={sampleProblem} doing="Not launched" onRetry={() => undefined} /></Piece>
      <Piece name="Empty state"><EmptyState title="Nothing runs" action={{ text: "Launch a machine", href: "/launch" }}>What runs, and what it costs, appears here.</EmptyState></Piece>
      <Piece name="Actions"><Actions /></Piece>
      <Piece name="Command"><CommandBlock label="A command to copy" text={"aif allocations create \\\n  --sku local.cpu.1 --wait"} /></Piece>
      <List />
      <Steps />
    </DetailPage>
  );
}

const Piece = ({ name, children }: { name: string; children: ReactNode }) => <Container header={<Header variant="h2">{name}</Header>}>{children}</Container>;

function Figures() {
  const [item] = useState(() => sampleList().items[0]);
  return (
    <ColumnLayout columns={3} variant="text-grid">
      <div className="big-number"><Cost value={{ amount: "1234.560000000", currency: "EUR" }} per="hour" /></div>
      <div>{item && <CopyId id={item.id} label="sample id" short />}<br />{item && <RelativeTime at={item.created_at} />}</div>
      <SpaceBetween size="s"><QuotaGauge quota={sampleQuota} /><QuotaGauge quota={sampleQuota} adds={4} /></SpaceBetween>
      <Figure label="A figure" href="/gallery">12 of 16</Figure>
    </ColumnLayout>
  );
}

function Actions() {
  const [asking, setAsking] = useState(false);
  const [several, setSeveral] = useState(false);
  const refuseSecond = async ({ name }: Sample) => { if (name === "notebook") throw sampleProblem; };
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button variant="primary" onClick={() => setAsking(true)}>Destroy something</Button>
      <CanButton can={no("It is being started. Wait until it runs.")}>Not possible now</CanButton>
      <Button onClick={() => setSeveral(true)}>Destroy several</Button>
      {several && (
        <BulkDialog action="Destroy" noun="sample" done="destroyed" items={sampleList().items} act={refuseSecond} can={({ name }) => (name === "evaluation" ? no("It is released already.") : yes)} onClose={() => setSeveral(false)}>
          Each has its own outcome; what failed can be tried again.
        </BulkDialog>
      )}
      {asking && (
        <ConfirmByName title="Destroy sample?" name="sample" action="Destroy" busy={false} error={null} onConfirm={() => setAsking(false)} onDismiss={() => setAsking(false)}>
          What cannot be undone asks for the name.
        </ConfirmByName>
      )}
    </SpaceBetween>
  );
}

const columns: Column<Sample>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (item) => item.name, cell: (item) => item.name },
  { id: "state", header: "State", value: (item) => item.state, cell: (item) => <StateBadge state={item.state} /> },
  { id: "price", header: "Price", value: (item) => Number(item.price.amount), cell: (item) => <Cost value={item.price} per="hour" />, minWidth: 160 },
  { id: "created", header: "Created", value: (item) => item.created_at, cell: (item) => <RelativeTime at={item.created_at} /> },
];

function List() {
  const list = useMemo(sampleList, []);
  return (
    <ListPage<Sample>
      title="List" noun="samples" variant="container" description="Filter in the address, sort, choose columns, act." list={list} columns={columns} selectable
      itemKey={(item) => item.id} itemLabel={(item) => item.name} empty={<EmptyState title="No sample">There is nothing to show.</EmptyState>}
    />
  );
}

function Steps() {
  const [step, setStep] = useState(0);
  const [name, setName] = useState("");
  return (
    <Wizard
      activeStepIndex={step} onNavigate={({ detail }) => setStep(detail.requestedStepIndex)} onSubmit={() => setStep(0)} onCancel={() => setStep(0)}
      i18nStrings={{
        stepNumberLabel: (number) => `Step ${number}`, collapsedStepsLabel: (number, count) => `Step ${number} of ${count}`,
        navigationAriaLabel: "Steps", cancelButton: "Cancel", previousButton: "Back", nextButton: "Next", submitButton: "Create", optional: "optional",
      }}
      steps={[
        { title: "Name it", content: <Container><FormField label="Name" constraintText="Small letters, digits and dashes." errorText={name.includes(" ") ? "Leave out the spaces." : undefined}><Input value={name} onChange={({ detail }) => setName(detail.value)} /></FormField></Container> },
        { title: "Review", content: <Container>{name || "No name yet"}</Container> },
      ]}
    />
  );
}
