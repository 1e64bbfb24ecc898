import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import { DetailPage } from "../../ui/DetailPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { runbookHref } from "../observability/runbook-links";
import { useHealth } from "./data";

export function Page() {
  const { data, error, isPending, refetch } = useHealth();
  return (
    <DetailPage title="Health" description={data && <span className="title-line"><StateBadge state={data.state} /> <RelativeTime at={data.as_of} /></span>} pending={isPending} error={error} onRetry={() => void refetch()}>
      {data && (
        <Table
          variant="container" wrapLines items={data.components} trackBy="name" ariaLabels={{ tableLabel: "Components" }}
          header={<Header variant="h2" counter={`(${data.components.length})`}>Components</Header>}
          columnDefinitions={[
            { id: "name", header: "Component", isRowHeader: true, cell: (component) => component.name, minWidth: 160 },
            { id: "state", header: "State", cell: (component) => <StateBadge state={component.state} /> },
            { id: "message", header: "What it says", cell: (component) => component.message, minWidth: 280 },
            { id: "runbook", header: "Runbook", cell: (component) => (component.runbook ? <Link href={runbookHref(component.runbook)}>{component.runbook.split("/").at(-1)?.replace(".md", "")}</Link> : "–"), minWidth: 200 },
          ]}
        />
      )}
    </DetailPage>
  );
}
