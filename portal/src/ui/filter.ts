import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";

// The filter in the address, readable: ?filter=state=active,name:train  ("any:" in front when one match is enough).
// Values are percent-encoded, so that a comma inside one does not end it.
const TOKEN = /^(?:([a-z_]+))?(!=|!:|=|:)(.*)$/;

export function encodeFilter(query: PropertyFilterProps.Query): string | undefined {
  if (query.tokens.length === 0) return undefined;
  const tokens = query.tokens.map((token) =>
    `${token.propertyKey?.replace(/^__/, "") ?? ""}${token.operator}${encodeURIComponent(String(token.value))}`);
  return `${query.operation === "or" ? "any:" : ""}${tokens.join(",")}`;
}

export function decodeFilter(text: string | undefined): PropertyFilterProps.Query {
  const any = text?.startsWith("any:") ?? false;
  const tokens = (any ? text!.slice(4) : text ?? "").split(",").flatMap((part): PropertyFilterProps.Token[] => {
    const [, key, operator, value] = TOKEN.exec(part) ?? [];
    const decoded = unescaped(value);
    if (!operator || !decoded) return [];
    return [{ ...(key ? { propertyKey: `__${key}` } : {}), operator, value: decoded }];
  });
  return { operation: any ? "or" : "and", tokens };
}

function unescaped(text: string | undefined): string | null {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return null;
  }
}
