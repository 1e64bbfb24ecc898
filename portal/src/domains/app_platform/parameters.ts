import type { App, AppParameter } from "../../api/types";

export type Given = Record<string, string | boolean>;
export type Value = string | number | boolean;

/** What the form shows first: the app's own defaults. */
export function defaultsOf(app: Pick<App, "parameters">): Given {
  return Object.fromEntries(Object.entries(app.parameters).map(([name, known]) => [name, initial(known)]));
}

function initial(known: AppParameter): string | boolean {
  if (known.type === "boolean") return known.default === true;
  return known.default === null || known.default === undefined ? "" : String(known.default);
}

/** As the API wants them: numbers as numbers, and what was left empty left out, so that the app's default holds. */
export function valuesOf(app: Pick<App, "parameters">, given: Given): Record<string, Value> {
  const filled = Object.entries(given).filter(([name, value]) => value !== "" && app.parameters[name]);
  return Object.fromEntries(filled.map(([name, value]) => [name, app.parameters[name]?.type === "integer" ? Number(value) : value]));
}

/** Long texts get a field of several lines. */
export const isLong = (known: AppParameter) => known.type === "string" && !known.enum && (known.maxLength ?? 0) > 500;
