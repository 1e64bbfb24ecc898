import type { Allocation, Node } from "../../api/types";
import { no, yes, type Can } from "../../ui/Can";

const ENDED = new Set(["released", "refused", "failed"]);
const LEAVING = new Set(["releasing", "stopping", "settling"]);
const STARTING = new Set(["requested", "placing", "preparing", "starting", "verifying"]);

type Live = Pick<Allocation, "state" | "release_requested_at" | "desired_state">;

export const isEnded = ({ state }: Pick<Allocation, "state">) => ENDED.has(state);
export const isChanging = ({ state, release_requested_at }: Pick<Allocation, "state" | "release_requested_at">) =>
  STARTING.has(state) || LEAVING.has(state) || (release_requested_at !== null && !ENDED.has(state));

export function canRelease(allocation: Live): Can {
  if (allocation.state === "released") return no("It is released already. The statement has its final cost.");
  if (ENDED.has(allocation.state)) return no(`It never ran (${allocation.state}), so there is nothing to release and nothing to pay.`);
  if (LEAVING.has(allocation.state) || allocation.release_requested_at || allocation.desired_state === "released") {
    return no("Its release is under way. Billing stopped when it was asked for.");
  }
  return yes;
}

export function canConnect(allocation: Pick<Allocation, "state" | "access">): Can {
  if (allocation.state === "active" && allocation.access) return yes;
  if (STARTING.has(allocation.state)) return no("The SSH command appears as soon as access has been verified.");
  if (allocation.state === "refused" || allocation.state === "failed") return no("It never ran, so there is nothing to log in to.");
  return no("Access has been cut: the allocation is not running any more.");
}

type Served = Pick<Node, "service" | "desired_service" | "state">;

export function canDrain(node: Served): Can {
  if (node.desired_service === "maintenance") return no("It is on its way out of service, or out of it. Resume it first if another deadline is wanted.");
  if (node.service !== "in_service") return no("It is just coming back: its slots are being cleaned. Wait until it is ready.");
  if (node.state === "retired") return no("It is retired: nothing is placed on it any more.");
  return yes;
}

export function canResume(node: Served): Can {
  if (node.desired_service === "maintenance") return yes;
  if (node.service !== "in_service") return no("It is coming back already: its slots are being cleaned.");
  return no("It is in service. Drain it first to work on it.");
}
