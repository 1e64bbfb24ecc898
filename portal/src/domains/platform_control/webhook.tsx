import { useState } from "react";
import { useParams } from "@tanstack/react-router";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { Delivery } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { CanButton } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canReplayDelivery } from "./can";
import { useDeliveries, useDelivery, useReplayDelivery, useTestWebhook, useWebhook } from "./data";
import { Receiving } from "./receiving";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useWebhook(id);
  const test = useTestWebhook(id);
  const notify = useNotify();
  const send = () => test.mutate(undefined, { onSuccess: () => notify({ type: "info", header: "A test message is on its way", content: "It is signed like every other; the list below shows how it went." }) });
  return (
    <DetailPage
      title={data?.name ?? "Webhook"} pending={isPending} error={error ?? test.error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><Receiving webhook={data} /><CopyId id={data.id} label="webhook id" /></span>}
      actions={<Button loading={test.isPending} onClick={send}>Send a test message</Button>}
    >
      {data && (
        <Container header={<Header variant="h2">Details</Header>}>
          <KeyValuePairs columns={3} items={[
            { label: "Address", value: <code>{data.url}</code> },
            { label: "Events", value: data.event_types.join(", ") || "All" },
            { label: "Created", value: <RelativeTime at={data.created_at} /> },
          ]} />
        </Container>
      )}
      <Deliveries id={id} />
    </DetailPage>
  );
}

function Deliveries({ id }: { id: string }) {
  const { data: items = [], error, isPending } = useDeliveries(id);
  const [shown, setShown] = useState<string | null>(null);
  const replay = useReplayDelivery(id);
  return (
    <SpaceBetween size="m">
      <ProblemAlert error={error ?? replay.error} doing={replay.error ? "Not replayed" : undefined} />
      <Table<Delivery>
        variant="container" items={items} trackBy="id" loading={isPending && !error} loadingText="Loading deliveries" ariaLabels={{ tableLabel: "Deliveries" }}
        header={<Header variant="h2" counter={`(${items.length})`} description="Eight tries in about nine hours, always under the same id. Kept for thirty days.">Deliveries</Header>}
        empty={<EmptyState title="Nothing sent yet">Send a test message to see how it arrives.</EmptyState>}
        columnDefinitions={[
          { id: "event", header: "Event", isRowHeader: true, cell: (item) => <Link href="#" onFollow={(event) => { event.preventDefault(); setShown(item.id); }}>{item.event_type}</Link>, minWidth: 240 },
          { id: "state", header: "State", cell: (item) => <StateBadge state={item.state} /> },
          { id: "code", header: "Answer", cell: (item) => item.response_code ?? "–" },
          { id: "latency", header: "Took", cell: (item) => (item.latency_ms === null ? "–" : `${item.latency_ms} ms`) },
          { id: "tries", header: "Tries", cell: (item) => item.attempts },
          { id: "error", header: "What went wrong", cell: (item) => item.error || "–", minWidth: 200 },
          { id: "when", header: "Happened", cell: (item) => <RelativeTime at={item.created_at} />, minWidth: 120 },
          { id: "id", header: "Event id", cell: (item) => <CopyId id={item.event_id} label="event id" short />, minWidth: 160 },
          { id: "do", header: "Action", cell: (item) => <CanButton can={canReplayDelivery(item)} variant="inline-link" ariaLabel={`Replay ${item.event_id}`} onClick={() => replay.mutate(item.id)}>Replay</CanButton> },
        ]}
      />
      {shown && <Message webhookId={id} deliveryId={shown} onClose={() => setShown(null)} />}
    </SpaceBetween>
  );
}

function Message({ webhookId, deliveryId, onClose }: { webhookId: string; deliveryId: string; onClose: () => void }) {
  const { data, error } = useDelivery(webhookId, deliveryId);
  return (
    <Modal visible size="large" header={data?.event_type ?? "Message"} closeAriaLabel="Close" onDismiss={onClose}>
      <SpaceBetween size="m">
        <ProblemAlert error={error} />
        {data && <CommandBlock label="The message as it is sent" text={JSON.stringify(JSON.parse(data.body), null, 2)} />}
        {data && (
          <Table
            variant="embedded" items={data.tries} trackBy={(one) => String(one.attempt)} ariaLabels={{ tableLabel: "Tries" }} empty="Not tried yet."
            columnDefinitions={[
              { id: "n", header: "Try", isRowHeader: true, cell: (one) => one.attempt },
              { id: "at", header: "When", cell: (one) => <RelativeTime at={one.at} /> },
              { id: "code", header: "Answer", cell: (one) => one.response_code ?? "–" },
              { id: "took", header: "Took", cell: (one) => `${one.latency_ms} ms` },
              { id: "error", header: "What went wrong", cell: (one) => one.error || "–" },
            ]}
          />
        )}
      </SpaceBetween>
    </Modal>
  );
}
