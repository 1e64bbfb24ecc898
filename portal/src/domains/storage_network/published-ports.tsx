import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import { fieldError } from "../../api/problem";
import type { PublishedPort } from "../../api/types";
import { useScope } from "../../shell/scope";
import { canAny, CanButton, yes } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { useAllocations } from "../provisioning/data";
import { usePublishedPorts, useCreatePublishedPort, useDeletePublishedPort } from "./published-ports-data";

const columns: Column<PublishedPort>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (one) => one.name, cell: (one) => one.name, minWidth: 150 },
  { id: "state", header: "State", value: (one) => one.state, cell: (one) => <StateBadge state={one.state} /> },
  { id: "address", header: "Address", value: (one) => one.address, cell: (one) => <CopyId id={one.address} label="address" />, minWidth: 180 },
  { id: "port", header: "Port inside", value: (one) => one.port, cell: (one) => one.port },
  { id: "allocation", header: "Allocation", value: (one) => one.allocation_id, cell: (one) => <Link href={`/allocations/${one.allocation_id}`}>{one.allocation_id}</Link>, minWidth: 200 },
  { id: "created", header: "Created", value: (one) => one.created_at, cell: (one) => <RelativeTime at={one.created_at} /> },
  { id: "id", header: "Id", value: (one) => one.id, cell: (one) => <CopyId id={one.id} label="published port id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const list = usePublishedPorts({ project_id: projectId });
  const [creating, setCreating] = useOpenForm();
  const [deleting, setDeleting] = useState<PublishedPort[]>([]);
  const remove = useDeletePublishedPort();
  return (
    <>
      <ListPage<PublishedPort>
        title="Published ports" noun="published ports" description="TCP ports of machines in networks, opened to anybody through a port of their node."
        list={list} columns={columns} itemKey={(one) => one.id} itemLabel={(one) => one.name} selectable
        empty={<EmptyState title="Nothing is published" action={{ text: "Publish a port", onClick: () => setCreating(true) }}>A server in a machine that is in a network can be opened to the world.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "published port")} onClick={() => setDeleting(selected)}>Close</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Publish a port</Button>
          </>
        )}
      />
      {creating && <CreatePublishedPort projectId={projectId} onClose={() => setCreating(false)} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="published port" action="Close" done="closed" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          Nobody reaches {deleting.length > 1 ? "them" : "it"} any more, and connections that {deleting.length > 1 ? "they carry" : "it carries"} end.
        </DeleteDialog>
      )}
    </>
  );
}

export function CreatePublishedPort({ projectId, allocationId, onClose }: { projectId?: string | undefined; allocationId?: string; onClose: () => void }) {
  const [chosen, setChosen] = useState(allocationId ?? "");
  const [port, setPort] = useState("8000");
  const [name, setName] = useState("");
  const create = useCreatePublishedPort();
  const running = useAllocations(projectId).items.filter(({ state }) => state === "active");
  const options = running.map(({ id, name: label }) => ({ value: id, label, description: id }));
  return (
    <CreateDialog title="Publish a port" mutation={create} body={{ allocation_id: chosen, port: Number(port), name: name || null }} made={(made) => `${made.name} is opened at ${made.address}`} onClose={onClose}>
      {!allocationId && (
        <FormField label="Machine" constraintText="One that runs in a network." errorText={fieldError(create.error, "allocation_id")}>
          <Select options={options} selectedOption={options.find(({ value }) => value === chosen) ?? null} onChange={({ detail }) => setChosen(detail.selectedOption.value ?? "")} placeholder="Choose a machine" empty="Nothing runs." expandToViewport />
        </FormField>
      )}
      <FormField label="Port inside" constraintText="The TCP port on which your server listens." errorText={fieldError(create.error, "port")}>
        <Input type="number" inputMode="numeric" value={port} onChange={({ detail }) => setPort(detail.value)} />
      </FormField>
      <FormField label={<>Name <i>- optional</i></>} constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}
