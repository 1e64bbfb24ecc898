import { describe, expect, it } from "vitest";
import { draftOf, editOf, newDraft, offerOf } from "./model-draft";
import type { OfferedModel } from "../../api/types";

const model: OfferedModel = {
  id: "llama-8b", region_id: "local", name: "Llama 8B", description: "For talk", capabilities: ["chat"], context_tokens: 131072, max_output_tokens: 4096, state: "offered",
  input_sku: "llama-8b.input", output_sku: "llama-8b.output", prices: null, routes: [{ upstream_id: "ups_1", upstream_model: "meta/llama" }], generation: 3,
};

describe("a model that is being written", () => {
  it("is sent as it was when nothing but its state changes", () => {
    const { name, description, capabilities, context_tokens, max_output_tokens, routes } = model;
    expect(editOf(draftOf(model), "withdrawn")).toEqual({ name, description, capabilities, context_tokens, max_output_tokens, routes, state: "withdrawn" });
  });
  it("understands numbers as people write them", () => {
    expect(offerOf({ ...newDraft(), context: "131,072", longest: "4 096" }, "EUR")).toMatchObject({ context_tokens: 131072, max_output_tokens: 4096 });
    expect(offerOf({ ...newDraft(), context: "many" }, "EUR").context_tokens).toBe(0);
  });
  it("leaves empty lines of its routes out, and keeps half-written ones for the API to refuse", () => {
    const routes = [{ upstream_id: "", upstream_model: "" }, { upstream_id: "ups_1", upstream_model: "" }];
    expect(offerOf({ ...newDraft(), routes }, "EUR").routes).toEqual([routes[1]]);
  });
});
