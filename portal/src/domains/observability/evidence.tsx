import { useState } from "react";
import Badge from "@cloudscape-design/components/badge";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useList } from "../../api/list";
import type { Evidence } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { ExactMoment } from "../../ui/RelativeTime";
import { useSearchParam } from "../../ui/useSearchParam";

const RECORDS: Record<Evidence["kind"], string> = { audit: "Audit", transition: "Transition", task: "Task", event: "Event", posting: "Posting" };

const columns: Column<Evidence>[] = [
  { id: "at", header: "When (UTC)", value: (item) => item.at, cell: (item) => <ExactMoment at={item.at} />, minWidth: 140 },
  { id: "kind", header: "Record", value: (item) => RECORDS[item.kind] ?? item.kind, cell: (item) => <Badge>{RECORDS[item.kind] ?? item.kind}</Badge> },
  { id: "what", header: "What", isRowHeader: true, value: (item) => item.what, cell: (item) => item.what, minWidth: 260 },
  { id: "subject", header: "About", value: (item) => item.subject_id, cell: (item) => <Asked name="id" value={item.subject_id} />, minWidth: 140 },
  { id: "actor", header: "Who", value: (item) => item.actor, cell: (item) => (item.actor ? <Asked name="actor" value={item.actor} /> : "–"), minWidth: 150 },
  { id: "why", header: "Why", value: (item) => item.why, cell: (item) => item.why || "–", minWidth: 200 },
];

/** What happened to anything: every record of it on one page, newest first. Operators see all tenants. */
export function Page() {
  const [id] = useSearchParam("id");
  const [actor] = useSearchParam("actor");
  const list = useList<Evidence>("/api/v3/evidence", { id, actor });
  return (
    <ListPage<Evidence>
      title="Evidence" noun="records" pageSize={100} list={list} columns={columns} itemKey={(item) => item.id} above={<Question key={`${id} ${actor}`} id={id} actor={actor} />}
      description={id ? <>Everything recorded about <code>{id}</code>: who did what, what the platform did then, and what it cost.</> : "Audit, transitions, tasks, events and ledger postings as one story."}
      empty={<EmptyState title="No record">Nothing that you may read is recorded about this. Check the id: a single letter makes it another one.</EmptyState>}
    />
  );
}

function Question({ id = "", actor = "" }: { id?: string; actor?: string }) {
  const [about, setAbout] = useState(id);
  const [who, setWho] = useState(actor);
  const navigate = useNavigate();
  const ask = () => void navigate({ to: ".", search: { id: about.trim() || undefined, actor: who.trim() || undefined } as never });
  return (
    <Container>
      <form className="evidence-question" onSubmit={(event) => { event.preventDefault(); ask(); }}>
        <FormField label="About" description="The id of an allocation, a volume, a node, a project …">
          <Input value={about} onChange={({ detail }) => setAbout(detail.value)} placeholder="alloc_…" type="search" clearAriaLabel="Clear the id" />
        </FormField>
        <FormField label="By" description="The id of a user, a key, a worker or a node">
          <Input value={who} onChange={({ detail }) => setWho(detail.value)} placeholder="usr_…" type="search" clearAriaLabel="Clear the person" />
        </FormField>
        <Button variant="primary" formAction="submit">Show</Button>
      </form>
    </Container>
  );
}

/** An id that asks about itself when it is followed. */
function Asked({ name, value }: { name: "id" | "actor"; value: string }) {
  const { pathname } = useLocation();
  const shown = value.length > 18 && value.includes("_") ? `${value.split("_")[0]}_…${value.slice(-6)}` : value;
  return <Link href={`${pathname}?${new URLSearchParams({ [name]: value })}`}><code title={value}>{shown}</code></Link>;
}
