import type { Node } from "../../api/types";

type Equipped = Pick<Node, "inventory">;

/** "8 × NVIDIA H100"; a node without accelerators is a CPU node. */
export function siliconOf({ inventory }: Equipped): string {
  if (!inventory) return "–";
  const [first] = inventory.gpus;
  if (!first) return "CPU";
  return `${inventory.gpus.length > 1 ? `${inventory.gpus.length} × ` : ""}${first.vendor} ${first.model}`;
}

/** What a list is filtered by: the model alone. */
export const modelOf = ({ inventory }: Equipped): string => inventory?.gpus[0]?.model ?? "CPU";
