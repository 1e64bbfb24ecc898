import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import type { ReadCache, Slo } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { burnOf, keptIn30Days, percent, worstFirst } from "./burn";
import { useSlos } from "./data";

const columns: Column<Slo>[] = [
  { id: "name", header: "Promise", isRowHeader: true, value: (slo) => slo.name, cell: (slo) => slo.name, minWidth: 220 },
  { id: "domain", header: "Domain", value: (slo) => slo.domain, cell: (slo) => <code>{slo.domain}</code>, minWidth: 150 },
  { id: "state", header: "State", value: (slo) => slo.state, cell: (slo) => <StateBadge state={slo.state} />, minWidth: 130 },
  { id: "target", header: "Target", cell: (slo) => percent(slo.target) },
  { id: "current", header: "30 days", value: (slo) => slo.current ?? -1, cell: keptIn30Days, minWidth: 150 },
  { id: "left", header: "Budget left", value: (slo) => slo.budget_left ?? 2, cell: (slo) => percent(slo.budget_left) },
  { id: "burn1", header: "Burn 1 h", cell: (slo) => burnOf(slo, "1h") },
  { id: "burn6", header: "6 h", cell: (slo) => burnOf(slo, "6h") },
  { id: "burn3", header: "3 d", cell: (slo) => burnOf(slo, "3d") },
  { id: "counted", header: "Counted", cell: (slo) => <RelativeTime at={slo.counted_at} never="Never" />, minWidth: 120 },
  { id: "objective", header: "In words", cell: (slo) => slo.objective, minWidth: 320 },
];

export function Page() {
  const { data, error, isPending, refetch, dataUpdatedAt } = useSlos();
  const list = { items: worstFirst(data?.items ?? []), isPending, error, hasMore: false, updatedAt: dataUpdatedAt, loadMore: () => undefined, refresh: () => void refetch() };
  return (
    <ListPage<Slo>
      above={data?.read_cache && <CacheFacts cache={data.read_cache} />}
      title="SLOs" noun="SLOs" list={list} columns={columns} itemKey={(slo) => `${slo.domain} ${slo.name}`}
      description={<>What each domain promises, and how fast its error budget is spent: a burn of 1× lasts exactly thirty days. {data && <>As of <RelativeTime at={data.as_of} />.</>}</>}
      empty={<EmptyState title="Nothing is promised">Each domain.toml declares what its domain promises.</EmptyState>}
    />
  );
}

function CacheFacts({ cache }: { cache: ReadCache }) {
  return (
    <Container header={<Header variant="h2" description="Pages kept in Redis or Valkey, as the process that answered has seen it since it started.">Page cache</Header>}>
      <KeyValuePairs columns={4} items={[
        { label: "State", value: <StateBadge state={cache.state} /> },
        { label: "Served from it", value: `${percent(cache.hit_rate)} (${cache.hits} of ${cache.hits + cache.misses + cache.skipped + cache.failures})` },
        { label: "Age of what was served", value: cache.mean_age_seconds === null ? "–" : `${cache.mean_age_seconds} s on average, ${cache.oldest_seconds} s at most (limit ${cache.keep_seconds} s)` },
        { label: "Too slow or failed", value: `${cache.failures}, left alone ${cache.skipped} times` },
      ]} />
    </Container>
  );
}
