import { lazy, Suspense, type ReactNode } from "react";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import Spinner from "@cloudscape-design/components/spinner";
import type { Telemetry } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { SimulatedBadge } from "../../ui/SimulatedBadge";
import { useSearchParam } from "../../ui/useSearchParam";
import { useTelemetry, type Subject } from "./data";

// Charts weigh more than the rest of a page, so they come after it.
const Chart = lazy(() => import("./Chart"));

const RANGES = [{ id: "15", text: "15 minutes" }, { id: "60", text: "1 hour" }, { id: "360", text: "6 hours" }];
const CHARTS: { title: string; names: string[] }[] = [
  { title: "CPU", names: ["cpu.usage"] },
  { title: "Memory", names: ["memory.usage", "memory.limit"] },
  { title: "Disk", names: ["disk.read", "disk.write"] },
  { title: "Network", names: ["network.receive", "network.transmit"] },
  { title: "Disk space", names: ["filesystem.usage"] },
  { title: "GPU", names: ["gpu.utilization"] },
  { title: "GPU memory", names: ["gpu.memory.usage"] },
  { title: "GPU power", names: ["gpu.power"] },
  { title: "GPU temperature", names: ["gpu.temperature"] },
];

interface Props { subject: Subject; live: boolean; /** What to say before the first figures are there, or after the last. */ empty: string }

/** What something uses, as charts that go on by themselves. */
export function TelemetrySection({ subject, live, empty }: Props) {
  const [range, setRange] = useSearchParam("range");
  const minutes = Number(RANGES.find(({ id }) => id === range)?.id ?? "15");
  const { data, error, isPending, refetch } = useTelemetry(subject, minutes, live);
  return (
    <Container
      header={
        <Header
          variant="h2" description={live ? "Goes on by itself." : undefined} info={<SimulatedBadge simulated={data?.simulated} />}
          actions={<SegmentedControl label="Time shown" selectedId={String(minutes)} options={RANGES} onChange={({ detail }) => setRange(detail.selectedId)} />}
        >
          Utilisation
        </Header>
      }
    >
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {isPending ? <Spinner /> : data && <Charts telemetry={data} empty={empty} />}
    </Container>
  );
}

function Charts({ telemetry, empty }: { telemetry: Telemetry; empty: string }): ReactNode {
  const shown = CHARTS.map((chart) => ({ ...chart, series: telemetry.series.filter(({ name }) => chart.names.includes(name)) }))
    .filter(({ series }) => series.length > 0);
  if (shown.length === 0) return <EmptyState title="No figures to show">{empty}</EmptyState>;
  return (
    <Suspense fallback={<Spinner />}>
      <ColumnLayout columns={2} minColumnWidth={380}>
        {shown.map(({ title, series }) => (
          <Chart key={title} title={title} series={series} since={telemetry.since} until={telemetry.until} />
        ))}
      </ColumnLayout>
    </Suspense>
  );
}
