import Link from "@cloudscape-design/components/link";
import { useList } from "../../api/list";
import type { Runbook } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { runbookHref } from "./runbook-links";

const columns: Column<Runbook>[] = [
  { id: "title", header: "When", isRowHeader: true, value: (each) => each.title, cell: (each) => <Link href={runbookHref(each.url)}>{each.title}</Link>, minWidth: 300 },
  { id: "domain", header: "Domain", value: (each) => each.domain, cell: (each) => <code>{each.domain}</code>, minWidth: 160 },
];

export function Page() {
  return (
    <ListPage<Runbook>
      title="Runbooks" noun="runbooks" description="What to do when something is wrong. Each is kept by the domain that owns it."
      list={useList<Runbook>("/api/v3/runbooks")} columns={columns} itemKey={(each) => each.url} pageSize={100}
      empty={<EmptyState title="No runbook">This installation carries none.</EmptyState>}
    />
  );
}
