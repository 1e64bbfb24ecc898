import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import { fieldError } from "../../api/problem";
import type { Network } from "../../api/types";
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
import { useRegions } from "../product/catalog-data";
import { useNetworks, useCreateNetwork, useDeleteNetwork } from "./networks-data";

const columns: Column<Network>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (one) => one.name, cell: (one) => <Link href={`/networks/${one.id}`}>{one.name}</Link>, minWidth: 150 },
  { id: "cidr", header: "Addresses", value: (one) => one.cidr, cell: (one) => <code>{one.cidr}</code>, minWidth: 140 },
  { id: "region", header: "Region", value: (one) => one.region_id, cell: (one) => one.region_id },
  { id: "state", header: "State", value: (one) => one.state, cell: (one) => <StateBadge state={one.state} /> },
  { id: "created", header: "Created", value: (one) => one.created_at, cell: (one) => <RelativeTime at={one.created_at} /> },
  { id: "id", header: "Id", value: (one) => one.id, cell: (one) => <CopyId id={one.id} label="network id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const list = useNetworks(projectId);
  const [creating, setCreating] = useOpenForm();
  const [deleting, setDeleting] = useState<Network[]>([]);
  const remove = useDeleteNetwork();
  return (
    <>
      <ListPage<Network>
        title="Networks" noun="networks" description="Sandboxes in a network reach each other, and the outside, as far as their security groups allow."
        list={list} columns={columns} itemKey={(one) => one.id} itemLabel={(one) => one.name} selectable
        empty={<EmptyState title="No network yet" action={{ text: "Create a network", onClick: () => setCreating(true) }}>Launch machines into one, and say with security groups what may pass.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "network")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create network</Button>
          </>
        )}
      />
      {creating && <CreateNetwork projectId={projectId} onClose={() => setCreating(false)} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="network" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          Only what no machine is in can be deleted. Rules that name {deleting.length > 1 ? "them" : "it"} let nobody in any more.
        </DeleteDialog>
      )}
    </>
  );
}

function CreateNetwork({ projectId, onClose }: { projectId: string | undefined; onClose: () => void }) {
  const [name, setName] = useState("");
  const [region, setRegion] = useState("local");
  const regions = (useRegions().data ?? []).map(({ id, name: label }) => ({ value: id, label }));
  const create = useCreateNetwork();
  return (
    <CreateDialog title="Create network" mutation={create} body={{ name, region_id: region, project_id: projectId }} made={(made) => `Network ${made.name} is there`} onClose={onClose}>
      <FormField label="Name" constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="Region" constraintText="Machines of this region can be in it." errorText={fieldError(create.error, "region_id")}>
        <Select options={regions} selectedOption={regions.find(({ value }) => value === region) ?? null} onChange={({ detail }) => setRegion(detail.selectedOption.value ?? "local")} />
      </FormField>
    </CreateDialog>
  );
}
