import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import Table from "@cloudscape-design/components/table";
import { useSession } from "../../api/client";
import type { Statement, StatementLine } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { ExactMoment } from "../../ui/RelativeTime";
import { bytes } from "../../ui/size";
import { useSearchParam } from "../../ui/useSearchParam";
import { useApiKeys } from "../iam/data";
import { monthName, monthsBack } from "./months";
import { useStatement } from "./quote";

const MONTHS_SHOWN = 13;

export function Page() {
  const months = monthsBack(new Date(), MONTHS_SHOWN);
  const [chosen, setMonth] = useSearchParam("month");
  const month = chosen ?? months[0]!;
  const { data, error, isPending, refetch } = useStatement(month);
  const options = [...new Set([month, ...months])].map((value) => ({ value, label: monthName(value) }));
  return (
    <DetailPage
      title="Statement"
      description="What was used, what it cost to the last digit, and how it was rounded."
      actions={<Select ariaLabel="Month" options={options} selectedOption={{ value: month, label: monthName(month) }} onChange={({ detail }) => setMonth(detail.selectedOption.value)} />}
      pending={isPending} error={error} onRetry={() => void refetch()}
    >
      {data && <Totals statement={data} />}
      {data && <Lines statement={data} lines={data.lines} />}
      {data && data.unbilled.lines.length > 0 && <Running statement={data} />}
    </DetailPage>
  );
}

function Totals({ statement }: { statement: Statement }) {
  const figures = [
    ["Opening balance", statement.opening], ["Credits", statement.credits], ["Used", statement.total],
    ["Closing balance", statement.closing], ["Held for what runs", statement.held], ["Available now", statement.available],
  ] as const;
  return (
    <Container>
      <ColumnLayout columns={3} variant="text-grid" minColumnWidth={190}>
        {figures.map(([label, value]) => (
          <div key={label}><Box color="text-body-secondary">{label}</Box><div className="big-number"><Cost value={value} /></div></div>
        ))}
      </ColumnLayout>
    </Container>
  );
}

function Running({ statement }: { statement: Statement }) {
  return <Lines statement={{ ...statement, total: statement.unbilled.total }} lines={statement.unbilled.lines} running />;
}

const UNITS: Record<string, string> = { gb: "GB", gb_month: "GB month", gb_hour: "GB hour", million_tokens: "million tokens" };
const GB_HOUR = 3600e9;

/** Seconds, or bytes, or bytes held for a time, or tokens. */
function used(line: StatementLine): string {
  if (line.quantity == null) return `${line.seconds.toLocaleString("en")} s`;
  if (line.unit === "million_tokens") return `${Number(line.quantity).toLocaleString("en")} tokens`;
  return line.unit === "gb_month" ? `${Number((Number(line.quantity) / GB_HOUR).toPrecision(4))} GB h` : bytes(Number(line.quantity));
}

const isKey = (id: string) => id.startsWith("key_");

/** The names of API keys: a line of tokens is about its key, and its sku says which tokens. */
function useKeyNames(lines: StatementLine[]): Map<string, string> {
  const session = useSession();
  const keys = useApiKeys(session.permissions.includes("key.read") && lines.some((line) => isKey(line.allocation_id)));
  return new Map(keys.items.map(({ id, name }) => [id, name]));
}

/** Where what a line is about can be looked at. */
function pageOf(id: string): string {
  if (isKey(id)) return "/token-usage?period=month";
  return `/${id.startsWith("bkt_") ? "buckets" : "allocations"}/${id}`;
}

function Lines({ statement, lines, running = false }: { statement: Statement; lines: StatementLine[]; running?: boolean }) {
  const keyNames = useKeyNames(lines);
  return (
    <Table<StatementLine>
      variant="container" wrapLines
      header={<Header variant="h2" counter={`(${lines.length})`} description={running ? "What these have cost up to now. They are billed when they end, buckets and tokens also at the month's end." : "Seconds × price per hour ÷ 3,600, or what was counted × its price, gives the exact amount. It is rounded once per line."}>{running ? "Still running" : "Lines"}</Header>}
      ariaLabels={{ tableLabel: running ? "Running and not billed yet" : "Lines of the statement" }}
      items={lines}
      trackBy={(line) => `${line.allocation_id}:${line.sku}:${line.from}:${line.price_per_hour.amount}`}
      empty={<EmptyState title={`Nothing was billed in ${monthName(statement.month)}`} action={{ text: "Launch a machine", href: "/launch" }}>A line appears when a machine is released. What still runs is listed on its own.</EmptyState>}
      columnDefinitions={[
        { id: "name", header: "Resource", isRowHeader: true, minWidth: 150, cell: (line) => <Link href={pageOf(line.allocation_id)}>{keyNames.get(line.allocation_id) ?? line.name}</Link> },
        { id: "sku", header: "Sku", cell: (line) => <code>{line.sku}</code> },
        { id: "from", header: "From", minWidth: 150, cell: (line) => <ExactMoment at={line.from} /> },
        { id: "to", header: "To", minWidth: 150, cell: (line) => <ExactMoment at={line.to} /> },
        { id: "seconds", header: "Used", minWidth: 110, cell: (line) => used(line) },
        { id: "price", header: "Price", minWidth: 110, cell: (line) => <><Cost value={line.price_per_hour} /> / {UNITS[line.unit ?? "hour"] ?? "hour"}</> },
        { id: "exact", header: "Exact amount", minWidth: 130, cell: (line) => <code>{line.exact_amount.amount}</code> },
        { id: "amount", header: "Amount", cell: (line) => <strong><Cost value={line.amount} /></strong> },
      ]}
      footer={<Box textAlign="right">{running ? "Not billed yet" : `Total of ${monthName(statement.month)}`}: <strong><Cost value={statement.total} /></strong></Box>}
    />
  );
}
