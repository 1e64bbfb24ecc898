import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { Volume } from "../../api/types";
import { useScope } from "../../shell/scope";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { useCreate, useDelete } from "../iam/data";
import { useRegions } from "../product/catalog-data";
import { canDelete } from "./can";
import { useVolumes } from "./data";

const columns: Column<Volume>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (v) => v.name, cell: (v) => v.name, minWidth: 150 },
  { id: "state", header: "State", value: (v) => v.state, cell: (v) => <StateBadge state={v.state} /> },
  { id: "size", header: "Size", value: (v) => v.size_gb, cell: (v) => `${v.size_gb} GB` },
  { id: "region", header: "Region", value: (v) => v.region_id ?? "", cell: (v) => v.region_id ?? "–" },
  { id: "attached", header: "Attached to", value: (v) => v.attached_to ?? "", cell: (v) => (v.attached_to ? <Link href={`/allocations/${v.attached_to}`}>{v.attached_to}</Link> : "Nothing"), minWidth: 150 },
  { id: "created", header: "Created", value: (v) => v.created_at, cell: (v) => <RelativeTime at={v.created_at} /> },
  { id: "id", header: "Id", value: (v) => v.id, cell: (v) => <CopyId id={v.id} label="volume id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const list = useVolumes(projectId);
  const [creating, setCreating] = useOpenForm();
  const [deleting, setDeleting] = useState<Volume[]>([]);
  return (
    <>
      <ListPage<Volume>
        title="Volumes" noun="volumes" description="Storage that outlives the machine it is attached to."
        list={list} columns={columns} itemKey={(v) => v.id} itemLabel={(v) => v.name} selectable
        empty={<EmptyState title="No volume yet" action={{ text: "Create a volume", onClick: () => setCreating(true) }}>Attach one at launch to keep your data after release. It can also be created inside the launch.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, canDelete, "volume")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create volume</Button>
          </>
        )}
      />
      {creating && <CreateVolume projectId={projectId} onClose={() => setCreating(false)} />}
      {deleting.length > 0 && <DeleteVolumes volumes={deleting} onClose={() => setDeleting([])} />}
    </>
  );
}

function CreateVolume({ projectId, onClose }: { projectId: string | undefined; onClose: () => void }) {
  const session = useSession();
  const regions = useRegions();
  const [name, setName] = useState("data");
  const [size, setSize] = useState("10");
  const options = (regions.data ?? []).map((region) => ({ value: region.id, label: region.name }));
  const [region, setRegion] = useState<string | undefined>();
  const create = useCreate<Volume, "/api/v3/volumes">("/api/v3/volumes");
  const body = { name, size_gb: Number(size), region_id: region ?? options[0]?.value, project_id: projectId ?? session.projects[0]?.id };
  return (
    <CreateDialog title="Create volume" mutation={create} body={body} made={(volume) => `Volume ${volume.name} is being made`} onClose={onClose}>
      <FormField label="Name" constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="Size in GB" errorText={fieldError(create.error, "size_gb")}>
        <Input type="number" value={size} onChange={({ detail }) => setSize(detail.value)} />
      </FormField>
      <FormField label="Region" errorText={fieldError(create.error, "region_id")}>
        <Select options={options} selectedOption={options.find(({ value }) => value === (region ?? options[0]?.value)) ?? null} onChange={({ detail }) => setRegion(detail.selectedOption.value)} />
      </FormField>
    </CreateDialog>
  );
}

function DeleteVolumes({ volumes, onClose }: { volumes: Volume[]; onClose: () => void }) {
  const remove = useDelete("/api/v3/volumes");
  return (
    <DeleteDialog noun="volume" done="deletion is under way" items={volumes} can={canDelete} mutation={remove} onClose={onClose}>
      All data on {volumes.length > 1 ? "them" : "this volume"} is erased for good. There is no backup.
    </DeleteDialog>
  );
}
