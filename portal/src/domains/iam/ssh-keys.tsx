import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Textarea from "@cloudscape-design/components/textarea";
import { fieldError } from "../../api/problem";
import type { SshKey } from "../../api/types";
import { canAny, CanButton, yes } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";
import { useCreate, useDelete, useSshKeys } from "./data";

const columns: Column<SshKey>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (key) => key.name, cell: (key) => key.name, minWidth: 150 },
  { id: "fingerprint", header: "Fingerprint", value: (key) => key.fingerprint, cell: (key) => <code>{key.fingerprint}</code>, minWidth: 240 },
  { id: "created", header: "Added", value: (key) => key.created_at, cell: (key) => <RelativeTime at={key.created_at} /> },
  { id: "id", header: "Id", value: (key) => key.id, cell: (key) => <CopyId id={key.id} label="key id" short />, minWidth: 160 },
];

export function Page() {
  const list = useSshKeys();
  const [adding, setAdding] = useOpenForm();
  const [deleting, setDeleting] = useState<SshKey[]>([]);
  const remove = useDelete("/api/v3/ssh-keys");
  return (
    <>
      <ListPage<SshKey>
        title="SSH keys" noun="SSH keys" description="Public keys that you can choose at launch."
        list={list} columns={columns} itemKey={(key) => key.id} itemLabel={(key) => key.name} selectable
        empty={<EmptyState title="No SSH key yet" action={{ text: "Add a key", onClick: () => setAdding(true) }}>Add the public key of your machine once, then choose it at every launch.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "key")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setAdding(true)}>Add key</Button>
          </>
        )}
      />
      {adding && <AddKey onClose={() => setAdding(false)} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="SSH key" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          {deleting.length > 1 ? "They" : "It"} can no longer be chosen at launch. Machines that run already keep {deleting.length > 1 ? "them" : "it"} until they are released.
        </DeleteDialog>
      )}
    </>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [publicKey, setPublicKey] = useState("");
  const create = useCreate<SshKey, "/api/v3/ssh-keys">("/api/v3/ssh-keys");
  return (
    <CreateDialog title="Add key" mutation={create} body={{ name, public_key: publicKey.trim() }} made={(key) => `Key ${key.name} is saved`} onClose={onClose}>
      <FormField label="Name" errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} placeholder="laptop" spellcheck={false} />
      </FormField>
      <FormField label="Public key" constraintText="One line from a file that ends in .pub. Never paste a private key." errorText={fieldError(create.error, "public_key")}>
        <Textarea value={publicKey} onChange={({ detail }) => setPublicKey(detail.value)} placeholder="ssh-ed25519 AAAA… you@laptop" spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}
