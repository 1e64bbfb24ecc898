import { useMutation } from "@tanstack/react-query";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { useList } from "../../api/list";
import { answer, api } from "../../api/http";
import type { AuditEntry, AuditVerification } from "../../api/types";
import { ListPage, type Column } from "../../ui/ListPage";
import { EmptyState } from "../../ui/EmptyState";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";

const whoDid = (entry: AuditEntry) => entry.actor_name || entry.actor_id;

const columns: Column<AuditEntry>[] = [
  { id: "at", header: "When", value: (entry) => entry.occurred_at, cell: (entry) => <RelativeTime at={entry.occurred_at} />, minWidth: 130 },
  { id: "action", header: "Action", isRowHeader: true, value: (entry) => entry.action, cell: (entry) => <code>{entry.action}</code>, minWidth: 180 },
  { id: "actor", header: "Who", value: whoDid, cell: whoDid, minWidth: 160 },
  { id: "target", header: "On what", value: (entry) => entry.target_id, cell: (entry) => <code>{entry.target_id}</code>, minWidth: 200 },
  { id: "decision", header: "Decision", value: (entry) => entry.decision, cell: (entry) => <StateBadge state={entry.decision} /> },
  { id: "reason", header: "Because", value: (entry) => entry.reason, cell: (entry) => entry.reason || "–", minWidth: 200 },
];

export function Page() {
  const list = useList<AuditEntry>("/api/v3/audit");
  const verify = useMutation({ mutationFn: verifyAll });
  return (
    <ListPage<AuditEntry>
      title="Audit log" noun="audit entries" description="Everything that was done or refused in this tenant. Each entry is chained to the one before."
      above={<><ProblemAlert error={verify.error} doing="Not verified" />{verify.data && <Verdict result={verify.data} />}</>}
      list={list} columns={columns} itemKey={(entry) => entry.id}
      empty={<EmptyState title="Nothing recorded yet">The first thing you do appears here.</EmptyState>}
      actions={() => <Button onClick={() => verify.mutate()} loading={verify.isPending} loadingText="Verifying">Verify the chain</Button>}
    />
  );
}

/** A long chain is proved in parts; together they are one verdict. */
async function verifyAll(): Promise<AuditVerification> {
  let whole: AuditVerification | undefined;
  for (let after: number | null = 0; after !== null; ) {
    const part: AuditVerification = await answer(api.GET("/api/v3/audit/verify", { params: { query: { after_seal: after } } }));
    whole = whole
      ? { ...part, ok: whole.ok && part.ok, entries: whole.entries + part.entries, seals: whole.seals + part.seals, problems: [...whole.problems, ...part.problems] }
      : part;
    after = part.next_after_seal ?? null;
  }
  return whole as AuditVerification;
}

function Verdict({ result }: { result: AuditVerification }) {
  if (result.ok) {
    return (
      <Alert type="success" header="The log is complete and unchanged">
        {result.entries} entries and {result.seals} signed seals were recomputed{result.waiting > 0 ? `; ${result.waiting} newest entries wait for their seal` : ""}. Head: <code>{result.head || "no seal yet"}</code>
      </Alert>
    );
  }
  return (
    <Alert type="error" header="The log does not add up">
      <ul>{result.problems.map((problem) => <li key={problem}>{problem}</li>)}</ul>
      Tell your operator now and keep this page.
    </Alert>
  );
}
