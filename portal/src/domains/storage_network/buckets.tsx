import { useState } from "react";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { Bucket, NewBucketKey } from "../../api/types";
import { useScope } from "../../shell/scope";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { bytes, parseBytes } from "../../ui/size";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { useRegions } from "../product/catalog-data";
import { BucketSecret } from "./BucketSecret";
import { useBuckets, useCreateBucket } from "./bucket-data";
import { canDeleteBucket } from "./can";
import { DeleteBuckets } from "./DeleteBuckets";

const columns: Column<Bucket>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (b) => b.name, cell: (b) => <Link href={`/buckets/${b.id}`}>{b.name}</Link>, minWidth: 150 },
  { id: "state", header: "State", value: (b) => b.state, cell: (b) => <StateBadge state={b.state} /> },
  { id: "stored", header: "Holds", value: (b) => b.usage.bytes_stored, cell: (b) => bytes(b.usage.bytes_stored) },
  { id: "quota", header: "Quota", value: (b) => b.quota_bytes, cell: (b) => bytes(b.quota_bytes) },
  { id: "region", header: "Region", value: (b) => b.region_id, cell: (b) => b.region_id },
  { id: "created", header: "Created", value: (b) => b.created_at, cell: (b) => <RelativeTime at={b.created_at} /> },
  { id: "id", header: "Id", value: (b) => b.id, cell: (b) => <CopyId id={b.id} label="bucket id" short />, minWidth: 160 },
];

export function Page() {
  const { projectId } = useScope();
  const list = useBuckets(projectId);
  const [creating, setCreating] = useOpenForm();
  const [made, setMade] = useState<NewBucketKey | null>(null);
  const [deleting, setDeleting] = useState<Bucket[]>([]);
  return (
    <>
      <ListPage<Bucket>
        title="Buckets" noun="buckets" description="Object storage for any S3 client, billed for what it holds and what is read."
        above={made && <BucketSecret made={made} onClose={() => setMade(null)} />}
        list={list} columns={columns} itemKey={(b) => b.id} itemLabel={(b) => b.name} selectable
        empty={<EmptyState title="No bucket yet" action={{ text: "Create a bucket", onClick: () => setCreating(true) }}>Keep datasets, checkpoints and results where every machine and every colleague reaches them.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canAny(selected, canDeleteBucket, "bucket")} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <Button variant="primary" onClick={() => setCreating(true)}>Create bucket</Button>
          </>
        )}
      />
      {creating && <CreateBucket projectId={projectId} onClose={() => setCreating(false)} onKey={setMade} />}
      {deleting.length > 0 && <DeleteBuckets buckets={deleting} onClose={() => setDeleting([])} />}
    </>
  );
}

function CreateBucket({ projectId, onClose, onKey }: { projectId: string | undefined; onClose: () => void; onKey: (key: NewBucketKey | null) => void }) {
  const session = useSession();
  const regions = useRegions();
  const [name, setName] = useState("");
  const [quota, setQuota] = useState("10 GB");
  const [versioning, setVersioning] = useState(false);
  const [withKey, setWithKey] = useState(true);
  const options = (regions.data ?? []).map((region) => ({ value: region.id, label: region.name }));
  const [region, setRegion] = useState<string | undefined>();
  const chosen = region ?? options[0]?.value;
  const create = useCreateBucket();
  const body = { name, quota_bytes: parseBytes(quota) ?? 0, region_id: chosen, project_id: projectId ?? session.projects[0]?.id, versioning, withKey };
  return (
    <CreateDialog
      title="Create bucket" mutation={create} body={body} made={({ bucket }) => `Bucket ${bucket.name} is being made`}
      onMade={({ key }) => { onKey(key); onClose(); }} onClose={onClose}
    >
      <FormField label="Name" constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label="Quota" constraintText="How much it may hold, like 500 MB or 2 TB. Writes are refused soon after it is passed." errorText={fieldError(create.error, "quota_bytes")}>
        <Input value={quota} onChange={({ detail }) => setQuota(detail.value)} />
      </FormField>
      <FormField label="Region" errorText={fieldError(create.error, "region_id")}>
        <Select options={options} selectedOption={options.find(({ value }) => value === chosen) ?? null} onChange={({ detail }) => setRegion(detail.selectedOption.value)} />
      </FormField>
      <Checkbox checked={versioning} onChange={({ detail }) => setVersioning(detail.checked)} description="Overwritten and deleted objects are kept, and count as stored.">Keep versions</Checkbox>
      <Checkbox checked={withKey} onChange={({ detail }) => setWithKey(detail.checked)} description="Its secret is shown once, with commands to copy.">Make a key for me</Checkbox>
    </CreateDialog>
  );
}
