import Box from "@cloudscape-design/components/box";
import LineChart, { type LineChartProps } from "@cloudscape-design/components/line-chart";
import type { TelemetrySeries } from "../../api/types";
import { quantity, scaleOf } from "./units";

const WORDS: Record<string, string> = {
  "cpu.usage": "In use", "memory.usage": "In use", "memory.limit": "Limit", "disk.read": "Read", "disk.write": "Written",
  "network.receive": "Received", "network.transmit": "Sent", "filesystem.usage": "In use",
};
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const LEAST_SHOWN_MS = 60_000;
const SHORT_MS = 5 * 60_000; // ticks within it need their seconds to differ

interface Props { title: string; series: TelemetrySeries[]; since: string; until: string }

/** One chart: one unit, one line for each series, from nothing up, and from when there is something to see. */
export default function Chart({ title, series, since, until }: Props) {
  const points = series.flatMap((line) => line.points);
  const scale = scaleOf(Math.max(0, ...points.map(({ value }) => value)), series[0]?.unit ?? "1");
  const format = (value: number) => quantity(value, scale);
  const lines = series.map((line): LineChartProps<Date>["series"][number] => ({
    type: "line", title: line.device === "" ? WORDS[line.name] ?? line.name : `GPU ${line.device}`, valueFormatter: format,
    data: line.points.map(({ at, value }) => ({ x: new Date(at), y: value / scale.per })),
  }));
  const from = beginning(points, since, until);
  const seconds = Date.parse(until) - from.getTime() < SHORT_MS;
  return (
    <div>
      <Box variant="h3" margin={{ bottom: "xs" }}>{title}</Box>
      <LineChart<Date>
        series={lines} xScaleType="time" xDomain={[from, new Date(until)]} yDomain={[0, scale.top]}
        height={180} hideFilter hideLegend={lines.length < 2} ariaLabel={`${title}, over time`}
        i18nStrings={{ xTickFormatter: (at) => hour.format(at).slice(0, seconds ? 8 : 5), yTickFormatter: format, detailPopoverDismissAriaLabel: "Close", legendAriaLabel: `${title}: lines`, chartAriaRoleDescription: "line chart" }}
        detailPopoverSeriesContent={({ series: line, y }) => ({ key: line.title, value: format(y) })}
        empty="No figures"
      />
    </div>
  );
}

function beginning(points: { at: string }[], since: string, until: string): Date {
  const first = Math.min(...points.map(({ at }) => Date.parse(at)));
  return new Date(Math.min(Math.max(Date.parse(since), first), Date.parse(until) - LEAST_SHOWN_MS));
}
