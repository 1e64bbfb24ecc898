import type { ReactNode } from "react";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Link from "@cloudscape-design/components/link";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useSession } from "../../api/client";
import type { TokenUsage } from "../../api/types";
import { useScope } from "../../shell/scope";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { Figure } from "../../ui/Figure";
import { ListPage, type Column } from "../../ui/ListPage";
import { useSearchParams } from "../../ui/useSearchParam";
import { useApiKeys } from "../iam/data";
import { GROUPINGS, groupingOf, PERIODS, periodOf, rowKey, shareOf, totalsOf, useTokenUsage, type Grouping, type Totals } from "./token-usage-data";

const count = (number: number) => number.toLocaleString("en");

export function Page() {
  const { projectId, projectName } = useScope();
  const [address, set] = useSearchParams();
  const period = periodOf(address.period);
  const grouping = groupingOf(address.by);
  const list = useTokenUsage(period, grouping, projectId);
  const names = useNames();
  const totals = totalsOf(list.items);
  return (
    <DetailPage
      title="Token usage" description={`What models were asked and answered, counted in tokens. ${projectId ? `Of the project ${projectName}.` : "Of all your projects."}`}
      actions={<SegmentedControl label="Period" selectedId={period.id} options={PERIODS.map(({ id, text }) => ({ id, text }))} onChange={({ detail }) => set({ period: detail.selectedId })} />}
    >
      <Container>
        <ColumnLayout columns={4} variant="text-grid" minColumnWidth={130}>
          <Figure label="Requests">{count(totals.requests)}</Figure>
          <Figure label="Tokens in">{count(totals.tokens_in)}</Figure>
          <Figure label="Tokens out">{count(totals.tokens_out)}</Figure>
          <Figure label="Cut short">{count(totals.failed)}</Figure>
        </ColumnLayout>
      </Container>
      <SegmentedControl
        label="Grouped" selectedId={grouping.id} options={GROUPINGS.map(({ id, text }) => ({ id, text }))}
        onChange={({ detail }) => set({ by: detail.selectedId, filter: undefined, sort: undefined, page: undefined })}
      />
      <ListPage<TokenUsage>
        key={grouping.id} variant="container" title={`Use in the last ${period.text}`} noun="usage" list={list} columns={columnsOf(grouping, names, totals)} itemKey={rowKey}
        description={<>Without what is under way. A request that we cut short counts with what it used. What it costs is on the <Link href="/statement">statement</Link>.</>}
        empty={<Nothing period={period.text} />}
      />
    </DetailPage>
  );
}

function Nothing({ period }: { period: string }) {
  return (
    <EmptyState title={`No model was called in the last ${period}`} action={{ text: "See the models", href: "/models" }}>
      Make a key, copy an example of a model, and what it used shows here within seconds.
    </EmptyState>
  );
}

interface Names { key: (id: string) => string | undefined; project: (id: string) => string | undefined }

function useNames(): Names {
  const session = useSession();
  const keys = useApiKeys(session.permissions.includes("key.read")).items;
  return { key: (id) => keys.find((key) => key.id === id)?.name, project: (id) => session.projects.find((project) => project.id === id)?.name };
}

function columnsOf({ id }: Grouping, names: Names, totals: Totals): Column<TokenUsage>[] {
  const model: Column<TokenUsage> = {
    id: "model", header: "Model", isRowHeader: id === "model", minWidth: 140, value: ({ model_id }) => model_id ?? "",
    cell: ({ model_id }) => <Link href={`/models?model=${encodeURIComponent(model_id ?? "")}`}>{model_id}</Link>,
  };
  const named = (member: "key_id" | "project_id", header: string, nameOf: Names["key"], known: (name: string) => ReactNode): Column<TokenUsage> => ({
    id: header.toLowerCase(), header, isRowHeader: true, minWidth: 170, value: (row) => nameOf(row[member] ?? "") ?? row[member] ?? "",
    cell: (row) => {
      const name = nameOf(row[member] ?? "");
      return name ? known(name) : <CopyId id={row[member] ?? "–"} label={`${header.toLowerCase()} id`} short />;
    },
  });
  const who = {
    key: [named("key_id", "Key", names.key, (name) => <Link href="/keys">{name}</Link>), model],
    project: [named("project_id", "Project", names.project, (name) => name)],
    model: [model],
  }[id];
  return [
    ...who,
    { id: "requests", header: "Requests", value: (row) => row.requests, cell: (row) => count(row.requests) },
    { id: "in", header: "Tokens in", value: (row) => row.tokens_in, cell: (row) => count(row.tokens_in) },
    { id: "out", header: "Tokens out", value: (row) => row.tokens_out, cell: (row) => count(row.tokens_out) },
    { id: "share", header: "Of all tokens", value: (row) => row.tokens_in + row.tokens_out, cell: (row) => shareOf(row, totals) },
    { id: "failed", header: "Cut short", value: (row) => row.failed, cell: (row) => count(row.failed) },
  ];
}
