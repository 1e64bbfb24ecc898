import type { Isolation } from "../api/types";

/** ", shares kernel and user ids": the head of each fact, because the whole is one click away. */
export function sharedText({ not_isolated }: Isolation): string {
  const heads = not_isolated.map((fact) => fact.split(":")[0] ?? fact);
  return heads.length > 0 ? `, shares ${new Intl.ListFormat("en").format(heads)}` : "";
}

export function IsolationFacts({ isolation }: { isolation: Isolation }) {
  const rows: [string, string[]][] = [
    ["Kept apart", isolation.isolates], ["Not kept apart", isolation.not_isolated],
    ["Limited", isolation.limits], ["Not limited", isolation.not_limited],
  ];
  return (
    <dl className="facts">
      {rows.filter(([, items]) => items.length > 0).map(([title, items]) => (
        <div key={title}><dt>{title}</dt><dd><ul>{items.map((item) => <li key={item}>{item}</li>)}</ul></dd></div>
      ))}
    </dl>
  );
}
