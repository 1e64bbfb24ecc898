import type { SecurityGroup, SecurityRule } from "../../api/types";

// Rules in words, and ports as people write them: pure.
export type PeerNames = Record<string, string>;

/** "443" or "8000-8010", in whatever state of being typed; the server has the last word. Empty means all. */
export function readPorts(text: string): Pick<SecurityRule, "first_port" | "last_port"> {
  const [first, last] = text.split("-").map((part) => part.trim());
  if (!first) return {};
  return { first_port: Number(first), last_port: Number(last || first) };
}

type Rule = SecurityGroup["rules"][number];

/** What one rule allows to begin: "TCP 443 from everybody". */
export function sentenceOf(rule: Rule, names: PeerNames): string {
  const what = rule.protocol === "any" ? "Everything" : [rule.protocol.toUpperCase(), portsOf(rule)].filter(Boolean).join(" ");
  return `${what} ${rule.direction === "in" ? "from" : "to"} ${peerOf(rule, names)}`;
}

function portsOf({ first_port: first, last_port: last }: Rule): string {
  if (first === null || first === undefined) return "";
  return last === null || last === undefined || last === first ? String(first) : `${first}–${last}`;
}

function peerOf(rule: Rule, names: PeerNames): string {
  if (rule.network_id) return `network ${names[rule.network_id] ?? rule.network_id}`;
  if (rule.security_group_id) return `machines of group ${names[rule.security_group_id] ?? rule.security_group_id}`;
  return rule.cidr === "0.0.0.0/0" ? "everybody" : (rule.cidr ?? "nobody");
}
