import type { Allocation, Instance } from "../../api/types";
import { no, yes, type Can } from "../../ui/Can";

const ENDED = new Set(["exited", "stopped", "failed"]);

export const isEnded = ({ state }: Pick<Instance, "state">) => ENDED.has(state);
export const isChanging = ({ state }: Pick<Instance, "state">) => !ENDED.has(state) && state !== "running";

type Live = Pick<Instance, "state" | "kind" | "stop_requested_at">;

export function canStop(instance: Pick<Live, "state" | "stop_requested_at">): Can {
  if (ENDED.has(instance.state)) return no("It has ended already. Its output stays.");
  if (instance.stop_requested_at || instance.state === "stopping") return no("It is being stopped.");
  return yes;
}

export function canOpen(instance: Live): Can {
  if (instance.kind !== "web") return no("It is a batch app: its output is below.");
  if (ENDED.has(instance.state)) return no("It has ended. Launch it again to use it.");
  if (instance.state !== "running" || instance.stop_requested_at) return no("It can be opened once it is running.");
  return yes;
}

export function canLaunch(allocations: Pick<Allocation, "state">[]): Can {
  return allocations.length ? yes : no("Apps run inside an active allocation. Launch a machine first.");
}
