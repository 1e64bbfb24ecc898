import type { components } from "../../api/generated/schema";
import type { ModelRoute, OfferedModel } from "../../api/types";

/** A model as it is being written: numbers are what was typed until they are sent. */
export interface ModelDraft {
  id: string; region_id: string; name: string; description: string; capabilities: OfferedModel["capabilities"];
  context: string; longest: string; input_price: string; output_price: string; routes: ModelRoute[];
}

export const CAPABILITIES: OfferedModel["capabilities"] = ["chat", "completions", "responses", "embeddings", "rerank", "images", "transcriptions"];

export const newDraft = (): ModelDraft => ({
  id: "", region_id: "", name: "", description: "", capabilities: ["chat"], context: "", longest: "", input_price: "", output_price: "",
  routes: [{ upstream_id: "", upstream_model: "" }],
});

export const draftOf = (model: OfferedModel): ModelDraft => ({
  id: model.id, region_id: model.region_id, name: model.name, description: model.description, capabilities: model.capabilities,
  context: String(model.context_tokens), longest: String(model.max_output_tokens), input_price: "", output_price: "", routes: model.routes,
});

const facts = (draft: ModelDraft) => ({
  name: draft.name.trim(), description: draft.description.trim(), capabilities: draft.capabilities,
  context_tokens: wholeNumber(draft.context), max_output_tokens: wholeNumber(draft.longest),
  routes: draft.routes.filter(({ upstream_id, upstream_model }) => upstream_id || upstream_model),
});

export function offerOf(draft: ModelDraft, currency: string): components["schemas"]["ModelOffer"] {
  return { ...facts(draft), id: draft.id.trim(), region_id: draft.region_id, currency, input_price: draft.input_price.trim(), output_price: draft.output_price.trim() };
}

export function editOf(draft: ModelDraft, state: OfferedModel["state"]): components["schemas"]["ModelEdit"] {
  return { ...facts(draft), state };
}

/** "131,072" and "131 072" are 131072; what is no number becomes 0, which the API refuses in its own words. */
function wholeNumber(text: string): number {
  const digits = text.replaceAll(/[\s,_]/g, "");
  return /^\d{1,12}$/.test(digits) ? Number(digits) : 0;
}
