import type { SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import type { Session } from "../../api/types";
import { navigationItems } from "../navigation";

/** One line of the palette. `words` is what typing is compared with beside the title; `run` is what choosing it does. */
export interface Command { id: string; group: Group; title: string; hint?: string; words?: string; run: Run }
export type Run =
  | { kind: "go"; href: string } | { kind: "theme" } | { kind: "project"; id: string | undefined } | { kind: "sign-out" };
export const GROUPS = ["Actions", "Allocations", "App instances", "Volumes", "Buckets", "Nodes", "Incidents", "Tenants", "Pages", "Projects"] as const;
export type Group = (typeof GROUPS)[number];
export const MOST_SHOWN_OF_A_GROUP = 8; // of things: who has more types a little more

const go = (group: Group, title: string, href: string, more: Partial<Command> = {}): Command =>
  ({ id: `${group}:${href}`, group, title, run: { kind: "go", href }, ...more });

/** What may be done, by whom: an action that would be refused is not offered. */
export function actions(session: Session, dark: boolean): Command[] {
  const may = (permission: string) => session.permissions.includes(permission);
  const inTenant = session.tenant !== null;
  return [
    (inTenant || !session.authenticated) && go("Actions", "Launch", "/launch", { hint: "Configure and start an allocation", words: "create new allocation machine gpu" }),
    inTenant && may("instance.create") && go("Actions", "Launch an app", "/apps", { hint: "Notebook, terminal or batch command", words: "run start jupyter" }),
    inTenant && may("volume.create") && go("Actions", "New volume", "/volumes?new=1", { words: "add create storage disk" }),
    inTenant && may("bucket.create") && go("Actions", "New bucket", "/buckets?new=1", { words: "add create storage s3 object" }),
    inTenant && may("ssh_key.create") && go("Actions", "New SSH key", "/ssh-keys?new=1", { words: "add public key" }),
    inTenant && may("key.create") && go("Actions", "New API key", "/keys?new=1", { words: "add create token" }),
    inTenant && may("project.create") && go("Actions", "New project", "/projects?new=1", { words: "add create" }),
    inTenant && may("member.manage") && go("Actions", "Add a member", "/members?new=1", { words: "invite person role colleague" }),
    inTenant && may("webhook.manage") && go("Actions", "New webhook", "/webhooks?new=1", { words: "add create notify events" }),
    may("platform.node.enrol") && go("Actions", "Enrol a node", "/admin/nodes?new=1", { words: "add machine bootstrap token fleet" }),
    may("platform.inference.write") && go("Actions", "Offer a model", "/admin/models?new=1", { words: "add create token factory inference" }),
    may("platform.inference.write") && go("Actions", "Add an upstream", "/admin/upstreams?new=1", { words: "create model server inference vllm" }),
    may("platform.prices.write") && go("Actions", "Set a price", "/admin/prices?new=1", { words: "change sku" }),
    { id: "theme", group: "Actions", title: dark ? "Use the light theme" : "Use the dark theme", words: "appearance colours", run: { kind: "theme" } },
    session.authenticated && { id: "sign-out", group: "Actions", title: "Sign out", words: "log out leave", run: { kind: "sign-out" } },
  ].filter((one): one is Command => Boolean(one));
}

/** Every page of the side navigation, under its section's name. Launch is an action already. */
export function pages(session: Session): Command[] {
  return navigationItems(session).flatMap((item) => linksOf(item, "")).filter(({ run }) => run.kind !== "go" || run.href !== "/launch");
}

function linksOf(item: SideNavigationProps.Item, section: string): Command[] {
  if (item.type === "link") return [go("Pages", item.text, item.href, { hint: section || undefined })];
  if ("items" in item && "text" in item) return item.items.flatMap((inner) => linksOf(inner, item.text));
  return [];
}

export function projects(session: Session): Command[] {
  if (session.projects.length < 2) return [];
  const all = { id: undefined, name: "All projects" };
  return [all, ...session.projects].map(({ id, name }) => ({
    id: `project:${id ?? ""}`, group: "Projects", title: name, hint: "Narrow lists to it", words: "switch scope project", run: { kind: "project", id },
  }));
}

export interface Thing { id: string; name: string; state: string }
const inList = (list: string) => (id: string) => `${list}?filter=${encodeURIComponent(`id=${id}`)}`;
const PLACES = {
  "Allocations": (id: string) => `/allocations/${id}`,
  "App instances": (id: string) => `/instances/${id}`,
  "Volumes": inList("/volumes"),
  "Buckets": (id: string) => `/buckets/${id}`,
  "Nodes": (id: string) => `/admin/nodes/${id}`,
  "Incidents": (id: string) => `/admin/incidents/${id}`,
  "Tenants": inList("/admin/tenants"),
};
export type Place = keyof typeof PLACES;

export function things(group: Place, items: Thing[]): Command[] {
  return items.map(({ id, name, state }) => go(group, name, PLACES[group](id), { id, hint: state.replaceAll("_", " "), words: id }));
}

const PLACE_OF = new Map<string | undefined, Place>([
  ["alloc", "Allocations"], ["inst", "App instances"], ["vol", "Volumes"], ["bkt", "Buckets"], ["node", "Nodes"], ["inc", "Incidents"], ["tnt", "Tenants"],
]);
const FOR_OPERATORS: Place[] = ["Nodes", "Incidents", "Tenants"];
const WHOLE_ID = /^([a-z]+)_[0-9a-z]{26}$/;

/** An id that was pasted whole leads to its page, also when the thing is older than what the lists brought along. */
export function byWholeId(text: string, known: Command[], operator: boolean): Command[] {
  const id = text.trim();
  const group = PLACE_OF.get(WHOLE_ID.exec(id)?.[1]);
  if (!group || known.some((one) => one.id === id) || (FOR_OPERATORS.includes(group) && !operator)) return [];
  return [go(group, `Open ${id}`, PLACES[group](id), { id, words: id })];
}

/** The commands that fit what was typed, best first inside each group; groups keep their order, things are cut to a few. */
export function matching(commands: Command[], typed: string): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = commands.map((command, index) => ({ command, index, rank: rankOf(command, words) })).filter(({ rank }) => rank > 0);
  return GROUPS.flatMap((group) => ranked
    .filter(({ command }) => command.group === group)
    .sort((a, b) => b.rank - a.rank || a.index - b.index)
    .slice(0, group in PLACES ? MOST_SHOWN_OF_A_GROUP : undefined)
    .map(({ command }) => command));
}

/** 0: does not fit. The title counts more than other words, a beginning more than a middle; every word has to be found. */
function rankOf(command: Command, words: string[]): number {
  const title = command.title.toLowerCase();
  const rest = `${command.words ?? ""} ${command.hint ?? ""} ${command.group}`.toLowerCase();
  let rank = 1;
  for (const word of words) {
    const found = title.startsWith(word) ? 8 : title.includes(` ${word}`) ? 6 : title.includes(word) ? 4 : rest.includes(word) ? 2 : 0;
    if (found === 0) return 0;
    rank += found;
  }
  return rank;
}
