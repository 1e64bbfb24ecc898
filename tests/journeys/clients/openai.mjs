// OpenAI's own client for JavaScript, as its documentation uses it: `node openai.mjs` with BASE, KEY and MODEL set. Prints what
// it saw as one line of JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Name three colours." }];
const model = process.env.MODEL;
const seen = {};

const whole = await client.chat.completions.create({ model, messages, max_tokens: 16 });
seen.whole = whole.choices[0].message.content;
seen.usage = whole.usage.completion_tokens;

const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true, stream_options: { include_usage: true } });
seen.streamed = "";
for await (const chunk of stream) {
  seen.streamed += chunk.choices[0]?.delta?.content ?? "";
  seen.streamedUsage = chunk.usage?.completion_tokens ?? seen.streamedUsage;
}

const json = await client.chat.completions.create({ model, messages, max_tokens: 40, temperature: 0, response_format: { type: "json_object" } });
seen.json = [json.choices[0].finish_reason, json.choices[0].message.content];

const left = await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true });
for await (const _ of left) break; // leaving the loop ends the request
seen.left = true;

try {
  await client.chat.completions.create({ model: "nobody", messages });
} catch (error) {
  seen.unknown = [error.constructor.name, error.status, error.code];
}
try {
  await new OpenAI({ baseURL: process.env.BASE, apiKey: "wrong", maxRetries: 0 }).chat.completions.create({ model, messages });
} catch (error) {
  seen.wrongKey = [error.constructor.name, error.status];
}
seen.models = (await client.models.list()).data.map((one) => one.id);
console.log(JSON.stringify(seen));
