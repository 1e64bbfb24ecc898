import { useParams } from "@tanstack/react-router";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useNotify } from "../../shell/notices";
import { CanButton } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canReplay } from "./can";
import { useDeadLetter, useReplayDeadLetter } from "./data";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useDeadLetter(id);
  const replay = useReplayDeadLetter();
  const notify = useNotify();
  const again = () => replay.mutate(id, { onSuccess: () => notify({ type: "success", header: "The replay is asked for", content: "It keeps its event id, so what was done already is not done twice." }) });
  return (
    <DetailPage
      title={data?.event_type ?? "Dead letter"} pending={isPending} error={error ?? replay.error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="dead letter id" /></span>}
      actions={data && <CanButton can={canReplay(data)} loading={replay.isPending} onClick={again}>Replay</CanButton>}
    >
      {data && (
        <Container header={<Header variant="h2">What went wrong</Header>}>
          <KeyValuePairs columns={3} items={[
            { label: "Consumer", value: <code>{data.consumer}</code> },
            { label: "Error of the last try", value: data.error },
            { label: "Tries", value: data.attempts },
            { label: "Given up", value: <RelativeTime at={data.created_at} /> },
            { label: "Replayed", value: <RelativeTime at={data.replayed_at} never="No" /> },
            { label: "Tenant", value: data.tenant_id ? <CopyId id={data.tenant_id} label="tenant id" short /> : "None" },
          ]} />
        </Container>
      )}
      {data && (
        <Container header={<Header variant="h2" description={data.event ? undefined : "It is older than the event log keeps, so it cannot be replayed."}>The event</Header>}>
          <KeyValuePairs columns={3} items={[
            { label: "Event id", value: <CopyId id={data.event_id} label="event id" /> },
            { label: "About", value: data.event ? <CopyId id={data.event.aggregate} label="id of what it is about" /> : "–" },
            { label: "Happened", value: <RelativeTime at={data.event?.occurred_at ?? null} never="–" /> },
          ]} />
          {data.event && <CommandBlock label="Payload" text={JSON.stringify(JSON.parse(data.event.payload_json), null, 2)} />}
        </Container>
      )}
    </DetailPage>
  );
}
