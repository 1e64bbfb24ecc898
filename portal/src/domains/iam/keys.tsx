import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { ApiKey, NewApiKey } from "../../api/types";
import { canAny, CanButton, yes } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";
import { useSearchParam } from "../../ui/useSearchParam";
import { useApiKeys, useCreate, useDelete } from "./data";

const columns: Column<ApiKey>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (key) => key.name, cell: (key) => key.name, minWidth: 150 },
  { id: "scopes", header: "May do", value: (key) => key.scopes.join(" "), cell: (key) => key.scopes.join(", ") || "Everything you may", minWidth: 200 },
  { id: "hint", header: "Begins with", cell: (key) => <code>{key.hint}</code>, minWidth: 130 },
  { id: "expires", header: "Expires", value: (key) => key.expires_at ?? "", cell: (key) => <RelativeTime at={key.expires_at} never="Never" /> },
  { id: "created", header: "Created", value: (key) => key.created_at, cell: (key) => <RelativeTime at={key.created_at} /> },
  { id: "id", header: "Id", value: (key) => key.id, cell: (key) => <CopyId id={key.id} label="key id" short />, minWidth: 160 },
];

export function Page() {
  const list = useApiKeys();
  const [creating, setCreating] = useOpenForm();
  const [made, setMade] = useState<NewApiKey | null>(null);
  const [deleting, setDeleting] = useState<ApiKey[]>([]);
  const remove = useDelete("/api/v3/keys");
  return (
    <>
      <ListPage<ApiKey>
        title="API keys" noun="API keys" description="For programs that use the API. Each can be limited and expires."
        above={made?.secret && <SecretOnce made={made} onClose={() => setMade(null)} />}
        list={list} columns={columns} itemKey={(key) => key.id} itemLabel={(key) => key.name} selectable
        empty={<EmptyState title="No API key yet" action={{ text: "Create a key", onClick: () => setCreating(true) }}>People sign in with <code>aif login</code>. Programs need a key.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, () => yes, "key")} onClick={() => setDeleting(selected)}>Revoke</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create key</Button>
          </>
        )}
      />
      {creating && <CreateKey onClose={() => setCreating(false)} onMade={(key) => { setCreating(false); setMade(key); }} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="API key" action="Revoke" done="revoked" items={deleting} mutation={remove} onClose={() => setDeleting([])}>
          Programs that use {deleting.length > 1 ? "these keys" : "this key"} are refused from now on.
        </DeleteDialog>
      )}
    </>
  );
}

function SecretOnce({ made, onClose }: { made: NewApiKey; onClose: () => void }) {
  return (
    <Alert type="success" header={`Copy the key ${made.name} now`} dismissible dismissAriaLabel="I have saved the key" onDismiss={onClose}>
      <p className="problem-line">It is shown this once. We keep only a fingerprint of it, so nobody can show it again.</p>
      <CommandBlock label="API key" text={made.secret ?? ""} />
    </Alert>
  );
}

const LIFETIMES = [{ value: "30", label: "30 days" }, { value: "90", label: "90 days" }, { value: "365", label: "1 year" }];
const DAY_MS = 86_400_000;

function CreateKey({ onClose, onMade }: { onClose: () => void; onMade: (key: NewApiKey) => void }) {
  const session = useSession();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [wanted] = useSearchParam("scope"); // a link may say what the key is for
  const [scopes, setScopes] = useState<string[]>(wanted && session.permissions.includes(wanted) ? [wanted] : []);
  const [opened] = useState(() => Date.now());
  const create = useCreate<NewApiKey, "/api/v3/keys">("/api/v3/keys");
  const options = session.permissions.filter((each) => !each.startsWith("platform.")).map((value) => ({ value, label: value }));
  const expires_at = new Date(opened + Number(days) * DAY_MS).toISOString();
  return (
    <CreateDialog title="Create key" mutation={create} body={{ name, scopes: scopes.length > 0 ? scopes : null, expires_at }} made={(key) => `Key ${key.name} is created`} onMade={onMade} onClose={onClose}>
      <FormField label="Name" constraintText="Say where it is used, for example ci-runner." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="May do" constraintText="Leave empty for everything that you may do yourself." errorText={fieldError(create.error, "scopes")}>
        <Multiselect
          options={options} selectedOptions={options.filter(({ value }) => scopes.includes(value))} placeholder="Choose permissions" filteringType="auto" expandToViewport
          onChange={({ detail }) => setScopes(detail.selectedOptions.map(({ value }) => value ?? ""))}
        />
      </FormField>
      <FormField label="Expires after" errorText={fieldError(create.error, "expires_at")}>
        <Select options={LIFETIMES} selectedOption={LIFETIMES.find(({ value }) => value === days) ?? null} onChange={({ detail }) => setDays(detail.selectedOption.value ?? "90")} />
      </FormField>
    </CreateDialog>
  );
}
