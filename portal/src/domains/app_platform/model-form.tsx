import { useState } from "react";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import Textarea from "@cloudscape-design/components/textarea";
import { fieldError } from "../../api/problem";
import type { OfferedModel, Upstream } from "../../api/types";
import { CreateDialog } from "../../ui/CreateDialog";
import { useRegions } from "../product/catalog-data";
import { useEditModel, useOfferModel } from "./inference-data";
import { CAPABILITIES, draftOf, editOf, newDraft, offerOf, type ModelDraft } from "./model-draft";
import { RoutesField } from "./RoutesField";

interface Fields { draft: ModelDraft; set: (change: Partial<ModelDraft>) => void; error: Error | null }

export function OfferModel({ upstreams, onClose }: { upstreams: Upstream[]; onClose: () => void }) {
  const [draft, setDraft] = useState(newDraft);
  const { data: regions = [] } = useRegions();
  const region = regions.find(({ id }) => id === draft.region_id) ?? regions[0];
  const offer = useOfferModel();
  const fields: Fields = { draft, set: (change) => setDraft({ ...draft, ...change }), error: offer.error };
  const full = { ...draft, region_id: region?.id ?? "" };
  const options = regions.map(({ id, name }) => ({ value: id, label: name }));
  const text = textField(fields);
  return (
    <CreateDialog
      title="Offer a model" size="large" mutation={offer} body={offerOf(full, region?.currency ?? "")} made={(model) => `${model.name} is offered`} onClose={onClose}
    >
      <ColumnLayout columns={2}>
        {text("name", "Name", "As people know it, for example Llama 3.1 8B.")}
        {text("id", "Id", "What callers write as model: small letters, digits, dots, dashes.")}
        <FormField label="Region" constraintText="Of the gateways and upstreams that serve it." errorText={fieldError(offer.error, "region_id")}>
          <Select options={options} selectedOption={options.find(({ value }) => value === region?.id) ?? null} onChange={({ detail }) => fields.set({ region_id: detail.selectedOption.value ?? "", routes: newDraft().routes })} />
        </FormField>
        <Capabilities {...fields} />
        {text("input_price", `Price in, ${region?.currency ?? ""}`, "For a million tokens of prompts, for example 0.10.")}
        {text("output_price", `Price out, ${region?.currency ?? ""}`, "For a million tokens of answers, for example 0.30.")}
      </ColumnLayout>
      <Limits {...fields} />
      <Description {...fields} />
      <RoutesField routes={draft.routes} upstreams={upstreams.filter(({ region_id }) => region_id === region?.id)} error={fieldError(offer.error, "routes")} onChange={(routes) => fields.set({ routes })} />
    </CreateDialog>
  );
}

export function EditModel({ model, upstreams, onClose }: { model: OfferedModel; upstreams: Upstream[]; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(model));
  const edit = useEditModel(model);
  const fields: Fields = { draft, set: (change) => setDraft({ ...draft, ...change }), error: edit.error };
  return (
    <CreateDialog
      title={`Edit ${model.name}`} action="Save" size="large" mutation={edit} body={editOf(draft, model.state)} made={(saved) => `${saved.name} is changed`} onClose={onClose}
    >
      <p className="problem-line">Its prices are set under <Link href="/admin/prices?new=1">prices</Link>, as <code>{model.input_sku}</code> and <code>{model.output_sku}</code>.</p>
      <ColumnLayout columns={2}>
        {textField(fields)("name", "Name")}
        <Capabilities {...fields} />
      </ColumnLayout>
      <Limits {...fields} />
      <Description {...fields} />
      <RoutesField routes={draft.routes} upstreams={upstreams.filter(({ region_id }) => region_id === model.region_id)} error={fieldError(edit.error, "routes")} onChange={(routes) => fields.set({ routes })} />
    </CreateDialog>
  );
}

type Text = "name" | "id" | "input_price" | "output_price";

function textField({ draft, set, error }: Fields) {
  return (name: Text, label: string, hint?: string) => (
    <FormField label={label} constraintText={hint} errorText={fieldError(error, name)}>
      <Input value={draft[name]} onChange={({ detail }) => set({ [name]: detail.value })} spellcheck={false} autoComplete={false} />
    </FormField>
  );
}

function Capabilities({ draft, set, error }: Fields) {
  const options = CAPABILITIES.map((value) => ({ value, label: value }));
  return (
    <FormField label="Can" constraintText="Which kinds of calls it takes." errorText={fieldError(error, "capabilities")}>
      <Multiselect
        options={options} selectedOptions={options.filter(({ value }) => draft.capabilities.includes(value))} placeholder="Choose what it can" expandToViewport
        onChange={({ detail }) => set({ capabilities: CAPABILITIES.filter((each) => detail.selectedOptions.some(({ value }) => value === each)) })}
      />
    </FormField>
  );
}

function Limits({ draft, set, error }: Fields) {
  return (
    <ColumnLayout columns={2}>
      <FormField label="Context, in tokens" constraintText="Prompt and answer together." errorText={fieldError(error, "context_tokens")}>
        <Input value={draft.context} inputMode="numeric" onChange={({ detail }) => set({ context: detail.value })} placeholder="131072" />
      </FormField>
      <FormField label="Longest answer, in tokens" constraintText="For callers who set no limit. Credit for it is set aside." errorText={fieldError(error, "max_output_tokens")}>
        <Input value={draft.longest} inputMode="numeric" onChange={({ detail }) => set({ longest: detail.value })} placeholder="4096" />
      </FormField>
    </ColumnLayout>
  );
}

function Description({ draft, set, error }: Fields) {
  return (
    <FormField label={<>Description <i>- optional</i></>} constraintText="Anyone reads it in the catalogue." errorText={fieldError(error, "description")}>
      <Textarea value={draft.description} rows={2} onChange={({ detail }) => set({ description: detail.value })} />
    </FormField>
  );
}
