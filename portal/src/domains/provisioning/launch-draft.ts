import { emptyForm, type LaunchForm } from "./launch-form";
import { isStep } from "./launch-steps";

// A launch that is being filled in lies in three places: in this tab's session storage at once, on the server a moment
// later (see launch-kept.ts), and the address carries enough to rebuild the choice of hardware, name and volume.
const DRAFT = "aifactory.launch-draft";
const DRAFT_ID = "aifactory.launch-draft-id";

export function keepDraft(form: LaunchForm) {
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(form));
  } catch {
    // Without storage the address still carries the choice of product, name and volume.
  }
}

export function forgetDraft() {
  try {
    sessionStorage.removeItem(DRAFT);
  } catch {
    // Nothing was kept.
  }
}

export function readDraft(): Partial<LaunchForm> | null {
  try {
    const text = sessionStorage.getItem(DRAFT);
    return text ? (JSON.parse(text) as Partial<LaunchForm>) : null;
  } catch {
    return null;
  }
}

/** The id of the server's draft that this tab goes on with. */
export function readDraftId(): string | null {
  try {
    return sessionStorage.getItem(DRAFT_ID);
  } catch {
    return null;
  }
}

export function writeDraftId(id: string | null) {
  try {
    if (id) sessionStorage.setItem(DRAFT_ID, id);
    else sessionStorage.removeItem(DRAFT_ID);
  } catch {
    // Without storage a reload begins a new draft.
  }
}

/** More than a choice of hardware, which the address holds: something that somebody typed or chose. */
export function isWorthKeeping(form: Partial<LaunchForm>): boolean {
  return Boolean(form.name?.trim() || form.publicKey?.trim() || form.keyName?.trim() || (form.volumeChoice && form.volumeChoice !== "none") || form.networkId);
}

/** What the server keeps: the form as typed, except what looks like a private key, which never leaves the browser. */
export function toKept(form: LaunchForm): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(form)) {
    if (typeof value === "string" ? !value.includes("PRIVATE KEY") : Array.isArray(value)) kept[name] = value as string | string[];
  }
  return kept;
}

/** The fields of a kept draft that this form still has; an older or newer portal may have kept others. */
export function fromKept(kept: Record<string, string | string[]>): Partial<LaunchForm> {
  const known = Object.entries(kept).filter(([name, value]) => {
    const mine = emptyForm[name as keyof LaunchForm];
    if (name === "step") return isStep(value);
    return typeof mine === typeof value && Array.isArray(mine) === Array.isArray(value);
  });
  return Object.fromEntries(known) as Partial<LaunchForm>;
}

const IN_ADDRESS = ["sku", "region", "project", "name", "quote"] as const;

export function toSearch(form: LaunchForm): Record<string, string | undefined> {
  const search: Record<string, string | undefined> = {};
  for (const name of IN_ADDRESS) search[name] = form[name] || undefined;
  if (form.volumeChoice === "new") search.volume = `${form.volumeName}:${form.volumeGb}`;
  search.step = form.step;
  return search;
}

export function fromSearch(search: Record<string, string | undefined>): Partial<LaunchForm> {
  const form: Partial<LaunchForm> = {};
  for (const name of IN_ADDRESS) if (search[name]) form[name] = search[name];
  const volume = /^([a-z0-9-]+):(\d+)$/.exec(search.volume ?? "");
  if (volume) Object.assign(form, { volumeChoice: "new", volumeName: volume[1], volumeGb: volume[2] });
  if (isStep(search.step)) form.step = search.step;
  return form;
}

/** The draft of this tab, with what the address says on top of it. */
export function initialForm(search: Record<string, string | undefined>): LaunchForm {
  return { ...emptyForm, ...readDraft(), ...fromSearch(search) };
}

export function launchAddress(form: LaunchForm): string {
  const given = Object.entries(toSearch(form)).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/launch?${new URLSearchParams(given)}`;
}
