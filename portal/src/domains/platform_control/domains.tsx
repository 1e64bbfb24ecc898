import { useList } from "../../api/list";
import type { DomainInfo } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";

const columns: Column<DomainInfo>[] = [
  { id: "title", header: "Domain", isRowHeader: true, value: (domain) => domain.title, cell: (domain) => domain.title, minWidth: 170 },
  { id: "owner", header: "Accountable", value: (domain) => domain.owner, cell: (domain) => domain.owner, minWidth: 200 },
  { id: "team", header: "Team", value: (domain) => domain.team, cell: (domain) => domain.team, minWidth: 130 },
  { id: "coverage", header: "People", value: (domain) => domain.coverage, cell: (domain) => domain.coverage },
  { id: "grows", header: "Grows when", value: (domain) => domain.scale_trigger, cell: (domain) => domain.scale_trigger, minWidth: 220 },
  { id: "what", header: "What it owns", value: (domain) => domain.what, cell: (domain) => domain.what, minWidth: 320 },
  { id: "skills", header: "Must know", value: (domain) => domain.skills.join(", "), cell: (domain) => domain.skills.join(", "), minWidth: 260 },
  { id: "slos", header: "Objectives", cell: (domain) => domain.slos.map((slo) => `${slo.name}: ${slo.objective}`).join("; ") || "–", minWidth: 260 },
  { id: "name", header: "Package", value: (domain) => domain.name, cell: (domain) => <code>{domain.name}</code>, minWidth: 160 },
];

export function Page() {
  return (
    <ListPage<DomainInfo>
      title="Domains" noun="domains" description="The parts of this installation, what each owns, who answers for it, and what they must know."
      list={useList<DomainInfo>("/api/v3/domains")} columns={columns} itemKey={(domain) => domain.name}
      empty={<EmptyState title="No domain">The API runs without a domain, which should not happen.</EmptyState>}
    />
  );
}
