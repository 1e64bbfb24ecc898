import type { ReactNode } from "react";
import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { Node, NodeTransition, Slot } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { IsolationFacts } from "../../ui/isolation";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useNodeEvents, useSlots } from "./data";
import { siliconOf } from "./silicon";

const GIB = 1024 ** 3;

/** What becomes of the node, for as long as it is out of service or on its way there. */
export function DrainSection({ node }: { node: Node }) {
  if (!node.drain) return null;
  const said: Partial<Record<Node["service"], ReactNode>> = {
    draining: <>It takes nothing new. What is left is released <RelativeTime at={node.drain.deadline_at} />.</>,
    emptying: <>Its deadline has come: what was left is being released.</>,
    maintenance: <>Nobody is on it. Resume it when the work is done: its slots are cleaned before they are used again.</>,
    returning: <>Its slots are being cleaned. It is used again as soon as they are.</>,
  };
  return <Alert type="warning" header={`Out of service: ${node.drain.reason}`}>{said[node.service] ?? <>The drain was asked for and begins.</>}</Alert>;
}

export function FactsSection({ node }: { node: Node }) {
  const inventory = node.inventory;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Details</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Region", value: node.region_id },
            { label: "Silicon", value: siliconOf(node) },
            { label: "Last seen", value: <RelativeTime at={node.last_seen_at} never="Never" /> },
            { label: "Agent", value: node.agent_version ?? "–" },
            { label: "Enrolled", value: <RelativeTime at={node.created_at} /> },
            { label: "System", value: inventory ? `${inventory.os}, ${inventory.kernel}` : "–" },
            { label: "CPUs", value: inventory?.cpus ?? "–" },
            { label: "Memory", value: inventory ? `${(inventory.memory_bytes / GIB).toFixed(1)} GiB` : "–" },
          ]}
        />
      </Container>
      {inventory?.isolation && <Container header={<Header variant="h2" description="As the node reports it, the bad with the good.">Isolation</Header>}><IsolationFacts isolation={inventory.isolation} /></Container>}
    </SpaceBetween>
  );
}

export function SlotsSection({ nodeId }: { nodeId: string }) {
  const list = useSlots(nodeId);
  const slots = list.items.filter((slot) => slot.node_id === nodeId);
  return (
    <Table<Slot>
      variant="container"
      header={<Header variant="h2" counter={`(${slots.length})`} description="A slot is sold again only after signed proof that each step of cleaning worked.">Slots</Header>}
      ariaLabels={{ tableLabel: "Slots of this node" }}
      loading={list.isPending && !list.error} loadingText="Loading slots" items={slots} trackBy="id"
      empty={<EmptyState title="No slot">The node has not reported its inventory yet.</EmptyState>}
      columnDefinitions={[
        { id: "index", header: "Slot", isRowHeader: true, cell: (slot) => String(slot.index) },
        { id: "state", header: "State", cell: (slot) => <StateBadge state={slot.state} />, minWidth: 130 },
        { id: "sku", header: "Sold as", cell: (slot) => <code>{slot.sku}</code> },
        { id: "allocation", header: "Used by", cell: (slot) => (slot.allocation_id ? <CopyId id={slot.allocation_id} label="allocation id" short /> : "Nobody"), minWidth: 170 },
        { id: "changed", header: "Changed", cell: (slot) => <RelativeTime at={slot.updated_at} />, minWidth: 130 },
      ]}
    />
  );
}

export function ConditionsSection({ node }: { node: Node }) {
  if (node.conditions.length === 0) return null;
  return (
    <Table
      variant="container" header={<Header variant="h2">Conditions</Header>} ariaLabels={{ tableLabel: "Conditions of this node" }}
      items={node.conditions} trackBy="type"
      columnDefinitions={[
        { id: "type", header: "What", isRowHeader: true, cell: (condition) => condition.type },
        { id: "status", header: "Holds", cell: (condition) => condition.status },
        { id: "message", header: "Why", cell: (condition) => condition.message || condition.reason },
        { id: "since", header: "Since", cell: (condition) => <RelativeTime at={condition.since} /> },
      ]}
    />
  );
}

/** Newest first: every change of its health and of its service. */
export function HistorySection({ node }: { node: Node }) {
  const { data = [], isPending, error } = useNodeEvents(node.id, node.generation);
  return (
    <Table<NodeTransition>
      variant="container" header={<Header variant="h2" description="Who or what moved it, and why.">History</Header>} ariaLabels={{ tableLabel: "History of this node" }}
      loading={isPending && !error} loadingText="Loading history" items={data} trackBy={(step) => `${step.about}${step.seq}`}
      empty={<EmptyState title="Nothing yet">Its health and its service are watched from its first minute on.</EmptyState>}
      columnDefinitions={[
        { id: "state", header: "Became", isRowHeader: true, cell: (step) => <StateBadge state={step.to_state} />, minWidth: 150 },
        { id: "about", header: "About", cell: (step) => (step.about === "health" ? "Health" : "Service") },
        { id: "why", header: "Why", cell: (step) => step.why },
        { id: "at", header: "When", cell: (step) => <RelativeTime at={step.at} />, minWidth: 130 },
      ]}
    />
  );
}
