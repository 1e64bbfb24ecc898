import type { Allocation, Incident } from "../../api/types";

// What happened lately, made from what the caller may read anyway: their own notices, their allocations, and for
// operators the incidents.
export type Tone = "success" | "info" | "warning" | "error";
export interface Happening { id: string; at: string; tone: Tone; title: string; detail?: string; href?: string }

const MOST = 30;

export function feedOf(notices: Happening[], allocations: Allocation[], incidents: Incident[]): Happening[] {
  const all = [...notices, ...allocations.flatMap(ofAllocation), ...incidents.flatMap(ofIncident)];
  return all.sort((a, b) => b.at.localeCompare(a.at)).slice(0, MOST);
}

function ofAllocation(item: Allocation): Happening[] {
  const href = `/allocations/${item.id}`;
  const happened = (what: string, at: string | null, tone: Tone, title: string, detail?: string): Happening[] =>
    at ? [{ id: `${item.id} ${what}`, at, tone, title, href, ...(detail ? { detail } : {}) }] : [];
  const ended = item.state === "refused" || item.state === "failed";
  return [
    ...happened("active", item.activated_at, "success", `${item.name} is active`),
    ...happened("release", item.release_requested_at, "info", `Release of ${item.name} was asked for`, item.release_reason),
    ...happened("released", item.released_at, "info", `${item.name} is released`),
    ...happened("ended", ended ? item.updated_at : null, "warning", `${item.name} ${item.state === "refused" ? "was refused" : "did not start"}`, item.refusal?.detail ?? item.failure?.detail),
  ];
}

function ofIncident(incident: Incident): Happening[] {
  const href = `/admin/incidents/${incident.id}`;
  const opened: Happening = { id: `${incident.id} opened`, at: incident.opened_at, tone: "error", title: incident.cause, href };
  if (!incident.resolved_at) return [opened];
  return [opened, { id: `${incident.id} resolved`, at: incident.resolved_at, tone: "success", title: `Resolved: ${incident.cause}`, href }];
}

/** Whether anything is newer than what was looked at last. */
export const hasNews = (feed: Happening[], seen: string | null): boolean => feed.some(({ at }) => seen === null || at > seen);
