import { useList } from "../../api/list";
import type { Volume } from "../../api/types";

const WHILE_CHANGING_MS = 2_000;
const SETTLED = new Set(["available", "attached", "deleted", "failed"]);

export function useVolumes(projectId: string | undefined, enabled = true) {
  return useList<Volume>("/api/v3/volumes", { project_id: projectId }, (items) =>
    items.some((volume) => !SETTLED.has(volume.state)) ? WHILE_CHANGING_MS : false, enabled);
}
