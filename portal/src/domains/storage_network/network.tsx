import { useParams } from "@tanstack/react-router";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import type { Network, NetworkAttachment, SecurityGroup } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useAllocations } from "../provisioning/data";
import { useAttachments, useNetwork } from "./networks-data";
import { useSecurityGroups } from "./security-groups-data";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useNetwork(id);
  return (
    <DetailPage
      title={data?.name ?? "Network"} pending={isPending} error={error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="network id" /></span>}
    >
      {data && <Facts network={data} />}
      {data && <Members network={data} />}
    </DetailPage>
  );
}

function Facts({ network }: { network: Network }) {
  return (
    <Container header={<Header variant="h2">Details</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Addresses", value: <code>{network.cidr}</code> },
          { label: "Region", value: network.region_id },
          { label: "Created", value: <RelativeTime at={network.created_at} /> },
        ]}
      />
    </Container>
  );
}

function Members({ network }: { network: Network }) {
  const list = useAttachments({ network_id: network.id });
  const groups = useSecurityGroups(undefined);
  const allocations = useAllocations(undefined).items;
  const nameOf = (id: string) => allocations.find((allocation) => allocation.id === id)?.name ?? id;
  return (
    <>
      <ProblemAlert error={list.error} onRetry={list.refresh} />
      <Table<NetworkAttachment>
        variant="container"
        header={<Header variant="h2" counter={`(${list.items.length})`} description="Each with what its node says that its kernel lets pass.">Machines in it</Header>}
        ariaLabels={{ tableLabel: "Machines in this network" }}
        loading={list.isPending} loadingText="Loading machines" items={list.items} trackBy="id"
        empty={<EmptyState title="No machine yet" action={{ text: "Launch into it", href: "/launch" }}>Choose this network on the network step of a launch.</EmptyState>}
        columnDefinitions={[
          { id: "address", header: "Address", isRowHeader: true, cell: (one) => <code>{one.address}</code>, minWidth: 130 },
          { id: "allocation", header: "Allocation", cell: (one) => <Link href={`/allocations/${one.allocation_id}`}>{nameOf(one.allocation_id)}</Link>, minWidth: 140 },
          { id: "groups", header: "Security groups", cell: (one) => <GroupNames ids={one.security_group_ids} groups={groups.items} />, minWidth: 150 },
          { id: "applied", header: "Rules", cell: (one) => <Applied attachment={one} />, minWidth: 130 },
          { id: "kernel", header: "As the kernel lists them", cell: (one) => <KernelRules lines={one.rules} />, minWidth: 240 },
        ]}
      />
    </>
  );
}

export function Applied({ attachment }: { attachment: NetworkAttachment }) {
  const said = attachment.conditions.find(({ type }) => type === "Applied");
  if (attachment.applied) return <StatusIndicator type="success">Applied</StatusIndicator>;
  if (said?.status === "False") return <StatusIndicator type="warning">{said.message || said.reason}</StatusIndicator>;
  return <StatusIndicator type="in-progress">{attachment.node_id ? "Being applied" : "Waiting for its node"}</StatusIndicator>;
}

export function GroupNames({ ids, groups }: { ids: string[]; groups: SecurityGroup[] }) {
  if (ids.length === 0) return <>None: nothing passes</>;
  return <>{ids.map((id, at) => <span key={id}>{at > 0 && ", "}<Link href={`/security-groups/${id}`}>{groups.find((group) => group.id === id)?.name ?? id}</Link></span>)}</>;
}

export function KernelRules({ lines }: { lines: string[] }) {
  if (lines.length === 0) return <>Nothing yet</>;
  return <ExpandableSection headerText={`${lines.length} lines`}><pre className="output">{lines.join("\n")}</pre></ExpandableSection>;
}
