import { describe, expect, it } from "vitest";
import { matching } from "./models-data";
import { samplesOf } from "./model-samples";
import type { Model } from "../../api/types";

const BASE = "https://tokens.example/v1";
const model = (extra: Partial<Model>): Model => ({
  id: "llama-8b", region_id: "local", name: "Llama 8B", description: "For talk", capabilities: ["chat"], context_tokens: 8192, max_output_tokens: 512,
  input_sku: "", output_sku: "", prices: { input: { amount: "1", currency: "EUR" }, output: { amount: "2", currency: "EUR" } }, ...extra,
});
const codeOf = (capabilities: Model["capabilities"]) => Object.fromEntries(samplesOf(model({ capabilities }), BASE).map(({ id, code }) => [id, code]));

describe("code that calls a model", () => {
  it("has the address, the model and the key's variable, and its body is JSON", () => {
    const { curl = "" } = codeOf(["chat"]);
    expect(curl).toContain(`curl ${BASE}/chat/completions`);
    expect(curl).toContain("Bearer $AIF_API_KEY");
    expect(JSON.parse(/-d '(.*)'$/s.exec(curl)?.[1] ?? "")).toEqual({ model: "llama-8b", messages: [{ role: "user", content: "Hello" }] });
  });
  it("speaks the clients' own words", () => {
    const { python, javascript } = codeOf(["embeddings", "chat"]);
    expect(python).toContain('client.chat.completions.create(\n    model="llama-8b",\n    messages=[{"role": "user", "content": "Hello"}],\n)');
    expect(javascript).toContain('client.chat.completions.create({\n  model: "llama-8b",\n  messages: [{role: "user", content: "Hello"}],\n});');
  });
  it.each([["embeddings", "/embeddings"], ["responses", "/responses"], ["completions", "/completions"], ["rerank", "/rerank"]] as const)("asks %s at %s", (capability, path) =>
    expect(codeOf([capability]).curl).toContain(`${BASE}${path} `));
  it("uses the general call where the client has no own", () => expect(codeOf(["rerank"]).python).toContain('client.post("/rerank", cast_to=object'));
  it("offers none for what cannot be called", () => expect(samplesOf(model({ capabilities: ["images"] }), BASE)).toEqual([]));
});

describe("finding a model", () => {
  const models = [model({}), model({ id: "bge-m3", name: "BGE M3", description: "", capabilities: ["embeddings"] })];
  it("needs every word", () => expect(matching(models, "llama chat").map(({ id }) => id)).toEqual(["llama-8b"]));
  it("looks at what it can do", () => expect(matching(models, "EMBED").map(({ id }) => id)).toEqual(["bge-m3"]));
  it("shows all when nothing is typed", () => expect(matching(models, " ")).toHaveLength(2));
});
