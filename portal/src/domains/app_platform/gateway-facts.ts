import type { Gateway, NewGatewayToken } from "../../api/types";

type Versions = Pick<Gateway, "known_version" | "newest_version" | "seen_at">;

/** Whether it knows the newest keys, models and credit; in the words of a state. */
export function knowledgeOf({ known_version, newest_version, seen_at }: Versions): "current" | "behind" | "never_heard_of" {
  if (!seen_at) return "never_heard_of";
  return known_version >= newest_version ? "current" : "behind";
}

/** "12", or "9 of 12" for one that is behind. */
export function snapshotText({ known_version, newest_version, seen_at }: Versions): string {
  if (!seen_at) return `None of ${newest_version}`;
  return known_version >= newest_version ? String(known_version) : `${known_version} of ${newest_version}`;
}

const STATE_DIR = "/var/lib/aifactory-gateway";

/** What to run where the gateway will stand. The control plane is taken to be where this portal is. */
export const enrolCommand = ({ gateway_name, token }: Pick<NewGatewayToken, "gateway_name" | "token">, host: string) => `export AIF_BOOTSTRAP_TOKEN=${token ?? ""}
python -m aifactory_gateway enrol --url https://${host}:8044 --name ${gateway_name} --state-dir ${STATE_DIR}`;

export const RUN_COMMAND = `python -m aifactory_gateway run --state-dir ${STATE_DIR} --host 0.0.0.0 --port 8043`;
