import { useState } from "react";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { Upstream } from "../../api/types";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";
import { useRegions } from "../product/catalog-data";
import { canDeleteUpstream, canOffer } from "./can";
import { useCreateUpstream, useDeleteUpstream, useUpstreams } from "./inference-data";

const columns: Column<Upstream>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (upstream) => upstream.name, cell: (upstream) => upstream.name, minWidth: 140 },
  { id: "models", header: "Serves", value: (upstream) => upstream.models.join(" "), cell: (upstream) => upstream.models.join(", ") || "Nothing yet", minWidth: 150 },
  { id: "url", header: "Address", value: (upstream) => upstream.url, cell: (upstream) => <code>{upstream.url}</code>, minWidth: 240 },
  { id: "most", header: "Calls at once", value: (upstream) => upstream.max_requests, cell: (upstream) => upstream.max_requests.toLocaleString("en") },
  { id: "asked", header: "Tells its count", value: (upstream) => (upstream.usage_path ? "yes" : "no"), cell: (upstream) => (upstream.usage_path ? <code>{upstream.usage_path}</code> : "In its answers only"), minWidth: 170 },
  { id: "region", header: "Region", value: (upstream) => upstream.region_id, cell: (upstream) => upstream.region_id },
  { id: "created", header: "Added", value: (upstream) => upstream.created_at, cell: (upstream) => <RelativeTime at={upstream.created_at} /> },
  { id: "id", header: "Id", value: (upstream) => upstream.id, cell: (upstream) => <CopyId id={upstream.id} label="upstream id" short />, minWidth: 160 },
];

export function Page() {
  const session = useSession();
  const may = canOffer(session);
  const [adding, setAdding] = useOpenForm();
  const [deleting, setDeleting] = useState<Upstream[]>([]);
  const remove = useDeleteUpstream();
  return (
    <>
      <ListPage<Upstream>
        title="Upstreams" noun="upstreams" description="The model servers behind the gateways. Tenants never reach them directly."
        list={useUpstreams()} columns={columns} itemKey={(upstream) => upstream.id} itemLabel={(upstream) => upstream.name} selectable
        empty={<EmptyState title="No upstream yet" action={{ text: "Add an upstream", onClick: () => setAdding(true) }}>Any server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, or a provider.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={may.yes ? canAny(selected, canDeleteUpstream, "upstream") : may} onClick={() => setDeleting(selected)}>Delete</CanButton>
            <CanButton can={may} variant="primary" onClick={() => setAdding(true)}>Add upstream</CanButton>
          </>
        )}
      />
      {adding && <AddUpstream onClose={() => setAdding(false)} />}
      {deleting.length > 0 && (
        <DeleteDialog noun="upstream" items={deleting} can={canDeleteUpstream} mutation={remove} onClose={() => setDeleting([])}>
          Gateways finish what they carry to {deleting.length > 1 ? "them" : "it"}, and send nothing more.
        </DeleteDialog>
      )}
    </>
  );
}

const EMPTY = { name: "", url: "", usage_path: "", max_requests: "1000", connect_seconds: "3", first_byte_seconds: "120", between_bytes_seconds: "60" };
type Field = keyof typeof EMPTY;

function AddUpstream({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState(EMPTY);
  const [regionId, setRegionId] = useState<string>();
  const { data: regions = [] } = useRegions();
  const options = regions.map(({ id, name }) => ({ value: id, label: name }));
  const region = regionId ?? options[0]?.value;
  const create = useCreateUpstream();
  const { name, url, usage_path, ...numbers } = form;
  const amounts = Object.fromEntries(Object.entries(numbers).map(([field, text]) => [field, Number(text)]));
  const field = (id: Field, label: string, hint: string) => (
    <FormField label={label} constraintText={hint} errorText={fieldError(create.error, id)}>
      <Input value={form[id]} inputMode={id in numbers ? "decimal" : "text"} onChange={({ detail }) => setForm({ ...form, [id]: detail.value })} spellcheck={false} autoComplete={false} />
    </FormField>
  );
  return (
    <CreateDialog title="Add upstream" mutation={create} body={{ name, url, usage_path, region_id: region, ...amounts }} made={(upstream) => `Upstream ${upstream.name} is added`} onClose={onClose}>
      {field("name", "Name", "Small letters, digits and inner dashes.")}
      {field("url", "Address", "As gateways reach it, up to /v1: http://10.0.0.7:8000/v1.")}
      <FormField label="Region" errorText={fieldError(create.error, "region_id")}>
        <Select options={options} selectedOption={options.find(({ value }) => value === region) ?? null} onChange={({ detail }) => setRegionId(detail.selectedOption.value)} />
      </FormField>
      <ExpandableSection headerText="Counting and limits">
        <ColumnLayout columns={2}>
          {field("usage_path", "Path of its count - optional", "Where it tells what it counted: /usage/{request_id}.")}
          {field("max_requests", "Calls at once", "From one gateway.")}
          {field("connect_seconds", "Seconds to connect", "Then the next upstream is tried.")}
          {field("first_byte_seconds", "Seconds until it answers", "For the first word of an answer.")}
          {field("between_bytes_seconds", "Seconds between words", "A longer silence ends the answer.")}
        </ColumnLayout>
      </ExpandableSection>
    </CreateDialog>
  );
}
