import { useState } from "react";
import Link from "@cloudscape-design/components/link";
import type { DeadLetter } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { BulkDialog } from "../../ui/BulkDialog";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canReplay, canReplayKind } from "./can";
import { useDeadLetters, useReplayDeadLetter, useReplayKind } from "./data";

const SAME_ID = "Each keeps its event id, so what was done already is not done twice.";
const columns: Column<DeadLetter>[] = [
  { id: "consumer", header: "Consumer", isRowHeader: true, value: (letter) => letter.consumer, cell: (letter) => <code>{letter.consumer}</code>, minWidth: 200 },
  { id: "event", header: "Event", value: (letter) => letter.event_type, cell: (letter) => <Link href={`/admin/dead-letters/${letter.id}`}>{letter.event_type}</Link>, minWidth: 200 },
  { id: "error", header: "What went wrong", value: (letter) => letter.error, cell: (letter) => letter.error, minWidth: 260 },
  { id: "state", header: "State", value: (letter) => letter.state, cell: (letter) => <StateBadge state={letter.state} /> },
  { id: "attempts", header: "Tries", value: (letter) => letter.attempts, cell: (letter) => letter.attempts },
  { id: "created", header: "Given up", value: (letter) => letter.created_at, cell: (letter) => <RelativeTime at={letter.created_at} />, minWidth: 130 },
  { id: "replayed", header: "Replayed", value: (letter) => letter.replayed_at ?? "", cell: (letter) => <RelativeTime at={letter.replayed_at} never="No" /> },
  { id: "id", header: "Event id", value: (letter) => letter.event_id, cell: (letter) => <CopyId id={letter.event_id} label="event id" short />, minWidth: 170 },
];

export function Page() {
  const notify = useNotify();
  const replay = useReplayDeadLetter();
  const kind = useReplayKind();
  const [replaying, setReplaying] = useState<DeadLetter[]>([]);
  const allOf = ([letter]: DeadLetter[], clear: () => void) => letter && kind.mutate({ consumer: letter.consumer, event_type: letter.event_type }, {
    onSuccess: ({ replayed, still_open }) => { notify({ type: "success", header: `Replay of ${replayed} is asked for`, content: still_open ? `${still_open} of the kind are still open: replay once more.` : SAME_ID }); clear(); },
  });
  return (
    <>
      <ListPage<DeadLetter>
        title="Dead letters" noun="dead letters" description="Events that a consumer could not handle. Mend the cause, then replay."
        above={<ProblemAlert error={kind.error} doing="Not replayed" />}
        list={useDeadLetters()} columns={columns} itemKey={(letter) => letter.id} itemLabel={(letter) => letter.event_id} selectable
        empty={<EmptyState title="No dead letter">Every event has been handled.</EmptyState>}
        actions={(selected, clear) => (
          <>
            <CanButton can={canReplayKind(selected)} loading={kind.isPending} loadingText="Replaying" onClick={() => allOf(selected, clear)}>Replay all of this kind</CanButton>
            <CanButton can={canAny(selected, canReplay, "dead letter")} onClick={() => setReplaying(selected)}>Replay</CanButton>
          </>
        )}
      />
      {replaying.length > 0 && (
        <BulkDialog
          action="Replay" noun="dead letter" done="replay is asked for" harmless note={SAME_ID}
          items={replaying.map((letter) => ({ ...letter, name: `${letter.event_type} for ${letter.consumer}` }))} can={canReplay}
          act={({ id }) => replay.mutateAsync(id)} onClose={() => setReplaying([])}
        >
          Each event is handed to its consumer once more. {SAME_ID}
        </BulkDialog>
      )}
    </>
  );
}
