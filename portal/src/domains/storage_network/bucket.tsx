import { useState } from "react";
import { useParams } from "@tanstack/react-router";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import Select from "@cloudscape-design/components/select";
import Table from "@cloudscape-design/components/table";
import { fieldError } from "../../api/problem";
import type { Bucket, BucketKey, NewBucketKey } from "../../api/types";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { RelativeTime } from "../../ui/RelativeTime";
import { bytes } from "../../ui/size";
import { StateBadge } from "../../ui/StateBadge";
import { BucketSecret } from "./BucketSecret";
import { useBucket, useBucketKeys, useCreateBucketKey, useRevokeBucketKey } from "./bucket-data";
import { canDeleteBucket, canMakeKey } from "./can";
import { DeleteBuckets } from "./DeleteBuckets";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useBucket(id);
  const [deleting, setDeleting] = useState(false);
  return (
    <DetailPage
      title={data?.name ?? "Bucket"} pending={isPending} error={error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="bucket id" /></span>}
      actions={data && <CanButton can={canDeleteBucket(data)} onClick={() => setDeleting(true)}>Delete</CanButton>}
    >
      {data && <Troubles bucket={data} />}
      {data && <Usage bucket={data} />}
      {data && <Keys bucket={data} />}
      {data && deleting && <DeleteBuckets buckets={[data]} onClose={() => setDeleting(false)} />}
    </DetailPage>
  );
}

function Troubles({ bucket }: { bucket: Bucket }) {
  const wrong = bucket.conditions.filter(({ status }) => status === "False");
  return <>{wrong.map((each) => <Alert key={each.type} type={each.type === "Writable" ? "warning" : "info"} header={each.type === "Writable" ? "Keys are restricted" : "It was not deleted"}>{each.message}</Alert>)}</>;
}

function Usage({ bucket }: { bucket: Bucket }) {
  const { usage } = bucket;
  return (
    <Container header={<Header variant="h2" description="As the object store counts it: after compression, and what was deleted until it is erased.">Use</Header>}>
      <ProgressBar
        label="Quota" value={Math.min(100, (100 * usage.bytes_stored) / bucket.quota_bytes)}
        description={`${bytes(usage.bytes_stored)} of ${bytes(bucket.quota_bytes)}`}
        additionalInfo={<>Measured <RelativeTime at={usage.as_of} never="not yet" /></>}
      />
      <KeyValuePairs
        columns={4}
        items={[
          { label: "Written since it was made", value: bytes(usage.received_bytes) },
          { label: "Read since it was made", value: bytes(usage.sent_bytes) },
          { label: "Versions", value: bucket.versioning ? "Kept" : "Not kept" },
          { label: "Region", value: bucket.region_id },
          { label: "Endpoint", value: <code>{bucket.endpoint}</code> },
          { label: "Bucket name for clients", value: <code>{bucket.bucket}</code> },
          { label: "Created", value: <RelativeTime at={bucket.created_at} /> },
        ]}
      />
    </Container>
  );
}

function Keys({ bucket }: { bucket: Bucket }) {
  const list = useBucketKeys(bucket.id);
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<NewBucketKey | null>(null);
  const [revoking, setRevoking] = useState<BucketKey | null>(null);
  const revoke = useRevokeBucketKey(bucket.id);
  const keys = list.data ?? [];
  return (
    <>
      {made && <BucketSecret made={made} onClose={() => setMade(null)} />}
      <Table<BucketKey>
        variant="container"
        header={<Header variant="h2" counter={`(${keys.length})`} description="Each opens this bucket only." actions={<CanButton can={canMakeKey(bucket)} onClick={() => setCreating(true)}>Create key</CanButton>}>Keys</Header>}
        ariaLabels={{ tableLabel: "Keys of this bucket" }}
        loading={list.isPending} loadingText="Loading keys" items={keys} trackBy="id"
        empty={<EmptyState title="No key yet">S3 clients need one. Its secret is shown once.</EmptyState>}
        columnDefinitions={[
          { id: "name", header: "Name", isRowHeader: true, cell: (key) => key.name, minWidth: 130 },
          { id: "mode", header: "May", cell: (key) => (key.mode === "read_only" ? "Read" : "Read and write") },
          { id: "state", header: "State", cell: (key) => <StateBadge state={key.state} />, minWidth: 120 },
          { id: "access", header: "Access key", cell: (key) => <CopyId id={key.access_key_id} label="access key" />, minWidth: 200 },
          { id: "created", header: "Created", cell: (key) => <RelativeTime at={key.created_at} />, minWidth: 120 },
          { id: "revoke", header: "Action", cell: (key) => <Button variant="inline-link" ariaLabel={`Revoke ${key.name}`} onClick={() => setRevoking(key)}>Revoke</Button> },
        ]}
      />
      {creating && <CreateKey bucket={bucket} onClose={() => setCreating(false)} onMade={(key) => { setCreating(false); setMade(key); }} />}
      {revoking && (
        <DeleteDialog noun="key" action="Revoke" done="revoked" items={[revoking]} mutation={revoke} onClose={() => setRevoking(null)}>
          Clients that use this key are refused a moment later.
        </DeleteDialog>
      )}
    </>
  );
}

const MODES = [{ value: "read_write", label: "Read and write" }, { value: "read_only", label: "Read only" }] as const;

function CreateKey({ bucket, onClose, onMade }: { bucket: Bucket; onClose: () => void; onMade: (key: NewBucketKey) => void }) {
  const [name, setName] = useState("");
  const [mode, setMode] = useState<"read_write" | "read_only">("read_write");
  const create = useCreateBucketKey(bucket.id);
  return (
    <CreateDialog title="Create key" mutation={create} body={{ name, mode }} made={(key) => `Key ${key.name} is created`} onMade={onMade} onClose={onClose}>
      <FormField label="Name" constraintText="Say where it is used, for example training." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="May" errorText={fieldError(create.error, "mode")}>
        <Select options={MODES} selectedOption={MODES.find(({ value }) => value === mode) ?? null} onChange={({ detail }) => setMode(detail.selectedOption.value === "read_only" ? "read_only" : "read_write")} />
      </FormField>
    </CreateDialog>
  );
}
