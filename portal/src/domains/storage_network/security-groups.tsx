import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import { fieldError } from "../../api/problem";
import type { SecurityGroup } from "../../api/types";
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
import { useSecurityGroups, useCreateSecurityGroup, useDeleteSecurityGroup } from "./security-groups-data";

const columns: Column<SecurityGroup>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (one) => one.name, cell: (one) => <Link href={`/security-groups/${one.id}`}>{one.name}</Link>, minWidth: 150 },
  { id: "rules", header: "Rules", value: (one) => one.rules.length, cell: (one) => one.rules.length || "None: nothing passes" },
  { id: "state", header: "State", value: (one) => one.state, cell: (one) => <StateBadge state={one.state} /> },
  { id: "created", header: "Created", value: (one) => one.created_at, cell: (one) => <RelativeTime at={one.created_at} /> },
  { id: "id", header: "Id", value: (one) => one.id, cell: (one) => <CopyId id={one.id} label="security group id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const list = useSecurityGroups(projectId);
  const [creating, setCreating] = useOpenForm();
  const [deleting, setDeleting] = useState<SecurityGroup[]>([]);
  const remove = useDeleteSecurityGroup();
  return (
    <>
      <ListPage<SecurityGroup>
        title="Security groups" noun="security groups" description="What may pass to and from machines in networks. What no rule allows is dropped."
        list={list} columns={columns} itemKey={(one) => one.id} itemLabel={(one) => one.name} selectable
        empty={<EmptyState title="No security group yet" action={{ text: "Create a security group", onClick: () => setCreating(true) }}>Make one, say what may pass, and launch machines with it.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "security group")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create security group</Button>
          </>
        )}
      />
      {creating && <CreateSecurityGroup projectId={projectId} onClose={() => setCreating(false)} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="security group" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          Only what no machine uses can be deleted. Rules that name {deleting.length > 1 ? "them" : "it"} as a peer let nobody in any more.
        </DeleteDialog>
      )}
    </>
  );
}

function CreateSecurityGroup({ projectId, onClose }: { projectId: string | undefined; onClose: () => void }) {
  const [name, setName] = useState("");
  const create = useCreateSecurityGroup();
  return (
    <CreateDialog title="Create security group" mutation={create} body={{ name, project_id: projectId }} made={(made) => `Security group ${made.name} is there`} onClose={onClose}>
      <FormField label="Name" constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}
