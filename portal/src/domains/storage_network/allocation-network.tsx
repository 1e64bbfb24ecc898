import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { NetworkAttachment, PublishedPort } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { StateBadge } from "../../ui/StateBadge";
import { Applied, GroupNames, KernelRules } from "./network";
import { useAttachments, useNetwork } from "./networks-data";
import { CreatePublishedPort } from "./published-ports";
import { usePublishedPorts } from "./published-ports-data";
import { useSecurityGroups } from "./security-groups-data";

/** The network of an allocation, its address, what passes, and its published ports; nothing when it is in none. */
export function AllocationNetwork({ allocationId }: { allocationId: string }) {
  const attachment = useAttachments({ allocation_id: allocationId }).items[0];
  return attachment ? <InNetwork attachment={attachment} /> : null;
}

function InNetwork({ attachment }: { attachment: NetworkAttachment }) {
  const groups = useSecurityGroups(undefined).items;
  const network = useNetwork(attachment.network_id).data;
  const ports = usePublishedPorts({ allocation_id: attachment.allocation_id }).items;
  const [publishing, setPublishing] = useState(false);
  return (
    <Container header={<Header variant="h2" description="What no rule of its security groups allows is dropped." actions={<Button onClick={() => setPublishing(true)}>Publish a port</Button>}>Network</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Network", value: <Link href={`/networks/${attachment.network_id}`}>{network?.name ?? attachment.network_id}</Link> },
            { label: "Address", value: <CopyId id={attachment.address} label="address" /> },
            { label: "Security groups", value: <GroupNames ids={attachment.security_group_ids} groups={groups} /> },
            { label: "Rules", value: <Applied attachment={attachment} /> },
          ]}
        />
        <KernelRules lines={attachment.rules} />
        {ports.length > 0 && (
          <Table<PublishedPort>
            variant="embedded" items={ports} trackBy="id" ariaLabels={{ tableLabel: "Published ports" }}
            columnDefinitions={[
              { id: "address", header: "Published at", isRowHeader: true, cell: (one) => <CopyId id={one.address} label="address" /> },
              { id: "port", header: "Port inside", cell: (one) => one.port },
              { id: "state", header: "State", cell: (one) => <StateBadge state={one.state} /> },
            ]}
          />
        )}
      </SpaceBetween>
      {publishing && <CreatePublishedPort allocationId={attachment.allocation_id} onClose={() => setPublishing(false)} />}
    </Container>
  );
}
