import { useState } from "react";
import { useParams } from "@tanstack/react-router";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useSession } from "../../api/client";
import type { Allocation } from "../../api/types";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { Cost } from "../../ui/Cost";
import { DetailPage } from "../../ui/DetailPage";
import { StageTimeline, stagesOf } from "../../ui/StageTimeline";
import { StateBadge } from "../../ui/StateBadge";
import { TelemetrySection } from "../observability/telemetry";
import { AllocationNetwork } from "../storage_network/allocation-network";
import { AccessSection } from "./allocation-access";
import { CostSection, EventsSection, FactsSection, VolumesSection } from "./allocation-sections";
import { canRelease, isChanging, isEnded } from "./can";
import { useAllocation, useTransitions } from "./data";
import { ReleaseDialog } from "./release";
import { END, START, TERMINAL } from "./stages";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch, dataUpdatedAt } = useAllocation(id);
  const session = useSession();
  const [releasing, setReleasing] = useState(false);
  return (
    <DetailPage
      title={data?.name ?? "Allocation"}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="allocation id" /></span>}
      actions={data && (
        <SpaceBetween direction="horizontal" size="xs">
          {session.permissions.includes("evidence.read") && <Button href={`/evidence?id=${data.id}`}>Evidence</Button>}
          <Button href={launchAgain(data)}>Launch another like it</Button>
          <CanButton can={canRelease(data)} onClick={() => setReleasing(true)}>Release</CanButton>
        </SpaceBetween>
      )}
      pending={isPending} error={data ? null : error} onRetry={() => void refetch()}
    >
      {data && <AllocationSections allocation={data} asOf={dataUpdatedAt} />}
      {data && releasing && <ReleaseDialog allocations={[data]} onClose={() => setReleasing(false)} />}
    </DetailPage>
  );
}

function AllocationSections({ allocation, asOf }: { allocation: Allocation; asOf: number }) {
  const transitions = useTransitions(allocation.id, allocation.state, isChanging(allocation));
  return (
    <SpaceBetween size="l">
      <Ending allocation={allocation} />
      <Doubts allocation={allocation} />
      <Announced allocation={allocation} />
      <ColumnLayout columns={2} minColumnWidth={380}>
        <TimelineSection allocation={allocation} transitions={transitions.data ?? []} />
        <SpaceBetween size="l">
          <AccessSection allocation={allocation} />
          <CostSection allocation={allocation} asOf={asOf} />
        </SpaceBetween>
      </ColumnLayout>
      {!isEnded(allocation) && <AllocationNetwork allocationId={allocation.id} />}
      {allocation.activated_at !== null && (
        <TelemetrySection
          subject={{ allocation_id: allocation.id }} live={!isEnded(allocation)}
          empty={isEnded(allocation) ? "Figures are kept for some hours only; it ran before that." : "The first figures come about 20 seconds after it became active."}
        />
      )}
      <FactsSection allocation={allocation} />
      {neverRan(allocation) ? null : <VolumesSection allocation={allocation} />}
      <EventsSection transitions={transitions.data ?? []} pending={transitions.isPending} error={transitions.error} />
    </SpaceBetween>
  );
}

function TimelineSection({ allocation, transitions }: { allocation: Allocation; transitions: Parameters<typeof stagesOf>[1] }) {
  // The allocation and its transitions are read apart; the timeline follows the transitions, so that it agrees with itself.
  const current = transitions.at(-1)?.to_state ?? allocation.state;
  const leaving = END.some(({ state }) => state === current) || allocation.release_requested_at !== null;
  const wasActive = allocation.activated_at !== null;
  const path = leaving ? [...START.filter(({ state }) => wasActive || transitions.some((each) => each.to_state === state)), ...END] : START;
  return (
    <Container header={<Header variant="h2" description={isChanging(allocation) ? "Moves on by itself, second by second." : undefined}>Progress</Header>}>
      <StageTimeline label={`Stages of ${allocation.name}`} stages={stagesOf(path, transitions, current, TERMINAL)} />
    </Container>
  );
}

function Ending({ allocation }: { allocation: Allocation }) {
  const { refusal, failure } = allocation;
  if (failure) return <Alert type="error" header="It failed">{failure.detail} Nothing is billed for a launch that never became active.</Alert>;
  const taken = TAKEN_BACK[allocation.release_reason];
  if (taken) return <Alert type="error" header={taken.header}>{taken.why} Billing has stopped, and its volumes are kept.</Alert>;
  if (!refusal) return null;
  return (
    <Alert type="warning" header="It could not be placed" action={<Button href="/launch">Launch something else</Button>}>
      <p className="problem-line">{refusal.detail} Nothing is charged, and the quota is free again.</p>
      {refusal.offers.length > 0 && (
        <ul>{refusal.offers.map((offer) => (
          <li key={offer.sku + offer.region_id}>
            <Link href={`/launch?${new URLSearchParams({ sku: offer.sku, region: offer.region_id })}`}>{offer.sku} in {offer.region_id}</Link>
            {" "}at <Cost value={offer.price} per="hour" />, {offer.available} free{offer.reason ? `: ${offer.reason}` : ""}
          </li>
        ))}</ul>
      )}
    </Alert>
  );
}

/** Its node goes into maintenance: what will happen, and when. */
function Announced({ allocation }: { allocation: Allocation }) {
  const notice = isEnded(allocation) ? undefined : allocation.conditions.find(({ type, status }) => type === "ReleaseAnnounced" && status === "True");
  if (!notice) return null;
  return <Alert type="warning" header="It will be released" action={<Button href={launchAgain(allocation)}>Launch another like it</Button>}>{notice.message}</Alert>;
}

/** Releases that nobody here asked for, by the platform's own reason. */
const TAKEN_BACK: Record<string, { header: string; why: string }> = {
  sandbox_lost: { header: "Its sandbox died", why: "The node lost it, so it was released. You pay until the first report of its death." },
  credit_exhausted: { header: "Credit ran out", why: "The next hour could not be held, so it was released." },
};

/** Conditions of a living allocation that do not hold. */
function Doubts({ allocation }: { allocation: Allocation }) {
  if (isEnded(allocation)) return null;
  return allocation.conditions.filter(({ status }) => status === "False").map((condition) => (
    <Alert key={condition.type} type="warning" header={`${condition.type}: not now`}>{condition.message || condition.reason}</Alert>
  ));
}

/** A new volume of a launch that never became active is deleted with it. */
const neverRan = (allocation: Allocation) => isEnded(allocation) && allocation.activated_at === null;

function launchAgain(allocation: Allocation): string {
  return `/launch?${new URLSearchParams({ sku: allocation.sku, region: allocation.region_id ?? "", project: allocation.project_id })}`;
}
