import type { Step } from "./launch-steps";

// What a launch is made of while it is being filled in: pure, so that it can be tested, kept and restored.
export type KeyChoice = "existing" | "new";
export type VolumeChoice = "none" | "existing" | "new";

export interface LaunchForm {
  sku: string; region: string; project: string; name: string;
  keyChoice: KeyChoice; keyIds: string[]; keyName: string; publicKey: string;
  volumeChoice: VolumeChoice; volumeId: string; volumeName: string; volumeGb: string;
  networkId: string; groupIds: string[];
  quote: string; step: Step;
}
export const emptyForm: LaunchForm = {
  sku: "", region: "", project: "", name: "", keyChoice: "new", keyIds: [], keyName: "", publicKey: "",
  volumeChoice: "none", volumeId: "", volumeName: "data", volumeGb: "10", networkId: "", groupIds: [], quote: "", step: "hardware",
};

export type LaunchEdit = { type: "set"; change: Partial<LaunchForm> } | { type: "restore"; form: LaunchForm };

export function reduce(form: LaunchForm, edit: LaunchEdit): LaunchForm {
  if (edit.type === "restore") return edit.form;
  const next = { ...form, ...edit.change };
  // A quote pins the price of one product in one region; it means nothing for another.
  return next.sku !== form.sku || next.region !== form.region ? { ...next, quote: edit.change.quote ?? "" } : next;
}

export interface AllocationRequest {
  sku: string; region_id?: string; project_id?: string; name?: string; quote_id?: string;
  ssh_key_ids?: string[]; ssh_public_key?: string; ssh_key_name?: string;
  volumes?: { id?: string; name?: string; size_gb?: number }[];
  network_id?: string; security_group_ids?: string[];
}

export function toRequest(form: LaunchForm): AllocationRequest {
  const request: AllocationRequest = { sku: form.sku };
  if (form.region) request.region_id = form.region;
  if (form.project) request.project_id = form.project;
  if (form.name.trim()) request.name = form.name.trim();
  if (form.quote) request.quote_id = form.quote;
  if (form.keyChoice === "existing") request.ssh_key_ids = form.keyIds;
  else {
    request.ssh_public_key = form.publicKey.trim();
    if (form.keyName.trim()) request.ssh_key_name = form.keyName.trim();
  }
  if (form.volumeChoice === "existing") request.volumes = [{ id: form.volumeId }];
  if (form.volumeChoice === "new") request.volumes = [{ name: form.volumeName.trim(), size_gb: Number(form.volumeGb) }];
  if (form.networkId) Object.assign(request, { network_id: form.networkId, security_group_ids: form.groupIds });
  return request;
}

export type FieldName = "sku" | "name" | "keyIds" | "publicKey" | "volumeId" | "volumeName" | "volumeGb";

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const VOLUME_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PUBLIC_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,3}( .*)?$/;
const MOST_VOLUME_GB = 16_384;

/** What is still wrong, each with what to do about it. The server has the last word. */
export function check(form: LaunchForm): Partial<Record<FieldName, string>> {
  const wrong: Partial<Record<FieldName, string>> = {};
  if (!form.sku) wrong.sku = "Choose what to launch.";
  if (form.name.trim() && !NAME.test(form.name.trim())) wrong.name = "Use letters, digits, dots, dashes and underscores, at most 63, starting and ending with a letter or digit.";
  if (form.keyChoice === "existing" && form.keyIds.length === 0) wrong.keyIds = "Choose a key, or paste a new one: it is the only way in.";
  if (form.keyChoice === "new") wrong.publicKey = publicKeyProblem(form.publicKey.trim());
  if (form.volumeChoice === "existing" && !form.volumeId) wrong.volumeId = "Choose a volume, or create a new one.";
  if (form.volumeChoice === "new") {
    if (!VOLUME_NAME.test(form.volumeName.trim())) wrong.volumeName = "Give the volume a name of small letters, digits and dashes.";
    const size = Number(form.volumeGb);
    if (!Number.isInteger(size) || size < 1 || size > MOST_VOLUME_GB) wrong.volumeGb = `Enter a whole number of GB between 1 and ${MOST_VOLUME_GB}.`;
  }
  return Object.fromEntries(Object.entries(wrong).filter(([, text]) => text));
}

function publicKeyProblem(key: string): string | undefined {
  if (key.includes("PRIVATE KEY")) return "This is a private key. Never paste it anywhere: paste the file that ends in .pub.";
  if (!key) return "Paste a public key. On your machine: cat ~/.ssh/id_ed25519.pub";
  if (!PUBLIC_KEY.test(key)) return "This does not look like a public key. It is one line that starts with ssh-ed25519, ecdsa-sha2 or ssh-rsa.";
  return undefined;
}

/** What the command line calls the things that the form knows by id. */
export interface Names { project: string; keys: string[]; volume: string; network: string; groups: string[] }

/** The same launch for a terminal. */
export function toCommand(form: LaunchForm, names: Names): string {
  const parts = ["aif allocations create", `--sku ${quoted(form.sku || "SKU")}`];
  if (form.name.trim()) parts.push(`--name ${quoted(form.name.trim())}`);
  if (names.project) parts.push(`--project ${quoted(names.project)}`);
  if (form.region) parts.push(`--region ${quoted(form.region)}`);
  if (form.keyChoice === "existing") parts.push(...names.keys.map((name) => `--ssh-key ${quoted(name)}`));
  else parts.push("--ssh-key ~/.ssh/id_ed25519.pub");
  if (form.volumeChoice === "new") parts.push(`--volume ${quoted(`${form.volumeName.trim()}:${form.volumeGb}`)}`);
  if (form.volumeChoice === "existing") parts.push(`--volume ${names.volume || "NAME:SIZE"}`);
  if (form.networkId) parts.push(`--network ${quoted(names.network || "NAME")}`, ...names.groups.map((name) => `--security-group ${quoted(name)}`));
  parts.push("--wait");
  return parts.join(" \\\n  ");
}

/** The same launch as a request. */
export function toCurl(form: LaunchForm, origin: string): string {
  const body = JSON.stringify(toRequest(form), null, 2).replaceAll("'", "'\\''");
  return [
    `curl -X POST ${origin}/api/v3/allocations \\`, '  -H "Authorization: Bearer $AIF_API_KEY" \\',
    '  -H "Idempotency-Key: $(uuidgen)" \\', '  -H "Content-Type: application/json" \\', `  -d '${body}'`,
  ].join("\n");
}

const quoted = (word: string) => (/^[\w.:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
