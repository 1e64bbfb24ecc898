import { ProblemError } from "../../api/problem";
import type { FieldName } from "./launch-form";

// The steps of a launch, in the order in which they are taken: pure, so that the address, the draft and the answer of
// the server agree on where one is.
export const STEPS = ["hardware", "access", "storage", "network", "review"] as const;
export type Step = (typeof STEPS)[number];

export const isStep = (text: unknown): text is Step => STEPS.includes(text as Step);
export const indexOf = (step: string): number => Math.max(0, STEPS.indexOf(step as Step));

const FIELDS: Record<FieldName, Step> = {
  sku: "hardware", name: "access", keyIds: "access", publicKey: "access", volumeId: "storage", volumeName: "storage", volumeGb: "storage",
};

/** The step on which something is still missing, in the order of the steps; undefined when nothing is. */
export function firstWrong(wrong: Partial<Record<FieldName, string>>): Step | undefined {
  return STEPS.find((step) => wrongOn(step, wrong));
}

export function wrongOn(step: Step, wrong: Partial<Record<FieldName, string>>): boolean {
  return Object.keys(wrong).some((field) => FIELDS[field as FieldName] === step);
}

// What the API calls the fields, and the quotas that a launch takes from: each is mended on one step.
const API_NAMES: Record<string, Step | undefined> = {
  sku: "hardware", region_id: "hardware", mode: "hardware", count: "hardware", image: "hardware", quote_id: "hardware", allocations: "hardware", vcpus: "hardware",
  name: "access", project_id: "access", ssh_key_ids: "access", ssh_public_key: "access", ssh_key_name: "access", public_key: "access",
  volumes: "storage", volume_gb: "storage", size_gb: "storage",
  network_id: "network", network: "network", security_group_ids: "network",
};

/** Where a refused launch is mended. What belongs to no field, such as missing credit, is shown with the review. */
export function stepOfProblem(problem: unknown): Step {
  if (!(problem instanceof ProblemError)) return "review";
  const { field, errors, ...more } = problem.details;
  const named = [field, ...(errors ?? []).map((each) => each.field), (more as { resource?: string }).resource];
  const steps = named.flatMap((name) => API_NAMES[firstPart(name ?? "")] ?? []);
  return STEPS.find((step) => steps.includes(step)) ?? "review";
}

const firstPart = (field: string) => field.replace(/^body\./, "").split(/[.[]/)[0] ?? field;
