import type { Model } from "../../api/types";

export interface Sample { id: "curl" | "python" | "javascript"; title: string; code: string }

/** How one kind of model is asked: its path, the method of OpenAI's clients, what is sent, where the answer is. */
interface Way { path: string; method: string; ask: Record<string, unknown>; python: string; javascript: string }

const WAYS: [Model["capabilities"][number], Way][] = [
  ["chat", {
    path: "/chat/completions", method: "chat.completions.create", ask: { messages: [{ role: "user", content: "Hello" }] },
    python: "answer.choices[0].message.content", javascript: "answer.choices[0].message.content",
  }],
  ["responses", { path: "/responses", method: "responses.create", ask: { input: "Hello" }, python: "answer.output_text", javascript: "answer.output_text" }],
  ["completions", {
    path: "/completions", method: "completions.create", ask: { prompt: "Once upon a time", max_tokens: 64 },
    python: "answer.choices[0].text", javascript: "answer.choices[0].text",
  }],
  ["embeddings", {
    path: "/embeddings", method: "embeddings.create", ask: { input: "Hello" },
    python: "len(answer.data[0].embedding)", javascript: "answer.data[0].embedding.length",
  }],
  ["rerank", { path: "/rerank", method: "", ask: { query: "Which is a fruit?", documents: ["apple", "anvil"] }, python: "answer", javascript: "answer" }],
];

/** Code that calls the model, by the first thing that it can; empty for what the gateways take no requests for. */
export function samplesOf({ id, capabilities }: Pick<Model, "id" | "capabilities">, baseUrl: string): Sample[] {
  const way = WAYS.find(([capability]) => capabilities.includes(capability))?.[1];
  if (!way) return [];
  const body = { model: id, ...way.ask };
  return [
    { id: "curl", title: "curl", code: curl(way, body, baseUrl) },
    { id: "python", title: "Python", code: python(way, body, baseUrl) },
    { id: "javascript", title: "JavaScript", code: javascript(way, body, baseUrl) },
  ];
}

type Body = Record<string, unknown>;

const curl = (way: Way, body: Body, baseUrl: string) => `curl ${baseUrl}${way.path} \\
  -H "Authorization: Bearer $AIF_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${spaced(body)}'`;

const python = (way: Way, body: Body, baseUrl: string) => `import os
from openai import OpenAI

client = OpenAI(base_url="${baseUrl}", api_key=os.environ["AIF_API_KEY"])
answer = ${way.method
    ? `client.${way.method}(\n${lines(body, (name, value) => `    ${name}=${spaced(value)},`)}\n)`
    : `client.post("${way.path}", cast_to=object, body={\n${lines(body, (name, value) => `    "${name}": ${spaced(value)},`)}\n})`}
print(${way.python})`;

const javascript = (way: Way, body: Body, baseUrl: string) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${baseUrl}", apiKey: process.env.AIF_API_KEY });
const answer = await client.${way.method
    ? `${way.method}({\n${lines(body, property)}\n})`
    : `post("${way.path}", { body: {\n${lines(body, property)}\n} })`};
console.log(${way.javascript});`;

const property = (name: string, value: unknown) => `  ${name}: ${spaced(value).replace(/"(\w+)":/g, "$1:")},`;
const lines = (body: Body, one: (name: string, value: unknown) => string) => Object.entries(body).map(([name, value]) => one(name, value)).join("\n");

/** JSON with a space behind each colon and comma, as people write it. None of the texts above has one of these inside. */
const spaced = (value: unknown) => JSON.stringify(value).replaceAll(":", ": ").replaceAll(",", ", ");
