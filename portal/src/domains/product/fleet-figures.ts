import type { Node, Slo } from "../../api/types";
import { modelOf } from "../provisioning/silicon";

export interface SiliconLine { silicon: string; nodes: number; ready: number; slots: number; free: number; occupied: number; quarantined: number }

/** The fleet by silicon, the largest first. */
export function bySilicon(nodes: Node[]): SiliconLine[] {
  const lines = new Map<string, SiliconLine>();
  for (const node of nodes) {
    const silicon = modelOf(node);
    const line = lines.get(silicon) ?? { silicon, nodes: 0, ready: 0, slots: 0, free: 0, occupied: 0, quarantined: 0 };
    lines.set(silicon, {
      silicon, nodes: line.nodes + 1, ready: line.ready + Number(node.state === "ready"),
      slots: line.slots + node.slots.total, free: line.free + node.slots.available,
      occupied: line.occupied + node.slots.occupied, quarantined: line.quarantined + node.slots.quarantined,
    });
  }
  return [...lines.values()].sort((a, b) => b.nodes - a.nodes || a.silicon.localeCompare(b.silicon));
}

export function sumOf(lines: SiliconLine[]): Omit<SiliconLine, "silicon"> {
  const zero = { nodes: 0, ready: 0, slots: 0, free: 0, occupied: 0, quarantined: 0 };
  return lines.reduce((sum, { silicon: _, ...line }) => ({
    nodes: sum.nodes + line.nodes, ready: sum.ready + line.ready, slots: sum.slots + line.slots,
    free: sum.free + line.free, occupied: sum.occupied + line.occupied, quarantined: sum.quarantined + line.quarantined,
  }), zero);
}

export const inTrouble = (slos: Slo[]): Slo[] => slos.filter(({ state }) => state === "burning" || state === "exhausted");
