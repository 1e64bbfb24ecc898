import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Multiselect from "@cloudscape-design/components/multiselect";
import { fieldError } from "../../api/problem";
import type { NewWebhook, Webhook } from "../../api/types";
import { canAny, CanButton, yes } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";
import { useCreateWebhook, useDeleteWebhook, useEventTypes, useWebhooks } from "./data";
import { Receiving } from "./receiving";

const columns: Column<Webhook>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (hook) => hook.name, cell: (hook) => <Link href={`/webhooks/${hook.id}`}>{hook.name}</Link>, minWidth: 140 },
  { id: "url", header: "Address", value: (hook) => hook.url, cell: (hook) => <code>{hook.url}</code>, minWidth: 260 },
  { id: "events", header: "Events", value: (hook) => hook.event_types.join(" "), cell: (hook) => (hook.event_types.length > 0 ? hook.event_types.length : "All"), minWidth: 100 },
  { id: "receiving", header: "Last message", cell: (hook) => <Receiving webhook={hook} />, minWidth: 200 },
  { id: "created", header: "Created", value: (hook) => hook.created_at, cell: (hook) => <RelativeTime at={hook.created_at} /> },
  { id: "id", header: "Id", value: (hook) => hook.id, cell: (hook) => <CopyId id={hook.id} label="webhook id" short />, minWidth: 160 },
];

export function Page() {
  const [creating, setCreating] = useOpenForm();
  const [made, setMade] = useState<NewWebhook | null>(null);
  const [deleting, setDeleting] = useState<Webhook[]>([]);
  const remove = useDeleteWebhook();
  return (
    <>
      <ListPage<Webhook>
        title="Webhooks" noun="webhooks" description="What happens in your tenant is posted to these addresses, signed, at least once."
        above={made?.secret && <SecretOnce made={made} onClose={() => setMade(null)} />}
        list={useWebhooks()} columns={columns} itemKey={(hook) => hook.id} itemLabel={(hook) => hook.name} selectable
        empty={<EmptyState title="No webhook yet" action={{ text: "Create a webhook", onClick: () => setCreating(true) }}>Let a program of yours hear of launches, failures and bills as they happen.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "webhook")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create webhook</Button>
          </>
        )}
      />
      {creating && <CreateWebhook onClose={() => setCreating(false)} onMade={(hook) => { setCreating(false); setMade(hook); }} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="webhook" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          Nothing more is sent to {deleting.length > 1 ? "them" : "it"}, also not what is waiting.
        </DeleteDialog>
      )}
    </>
  );
}

function SecretOnce({ made, onClose }: { made: NewWebhook; onClose: () => void }) {
  return (
    <Alert type="success" header={`Copy the signing secret of ${made.name} now`} dismissible dismissAriaLabel="I have saved the secret" onDismiss={onClose}>
      <p className="problem-line">It is shown this once. With it your receiver checks that a message is ours: any Standard Webhooks library does.</p>
      <CommandBlock label="Signing secret" text={made.secret ?? ""} />
    </Alert>
  );
}

function CreateWebhook({ onClose, onMade }: { onClose: () => void; onMade: (hook: NewWebhook) => void }) {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [types, setTypes] = useState<string[]>([]);
  const create = useCreateWebhook();
  const { data: known = [] } = useEventTypes();
  const options = known.map(({ type, description }) => ({ value: type, label: type, description }));
  return (
    <CreateDialog title="Create webhook" mutation={create} body={{ name, url, event_types: types }} made={(hook) => `Webhook ${hook.name} is created`} onMade={onMade} onClose={onClose}>
      <FormField label="Name" constraintText="Lower-case letters, digits and inner hyphens." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="Address" constraintText="https, on the public internet." errorText={fieldError(create.error, "url")}>
        <Input value={url} onChange={({ detail }) => setUrl(detail.value)} type="url" spellcheck={false} placeholder="https://" />
      </FormField>
      <FormField label="Events" constraintText="Leave empty for all of them, also those to come." errorText={fieldError(create.error, "event_types")}>
        <Multiselect
          options={options} selectedOptions={options.filter(({ value }) => types.includes(value))} placeholder="All events" filteringType="auto" expandToViewport
          onChange={({ detail }) => setTypes(detail.selectedOptions.map(({ value }) => value ?? ""))}
        />
      </FormField>
    </CreateDialog>
  );
}
