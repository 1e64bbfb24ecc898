import type { Allocation, Gateway, Instance, OfferedModel, Session, Upstream } from "../../api/types";
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

const WRITE = "platform.inference.write";

export function canOffer({ permissions }: Pick<Session, "permissions">): Can {
  return permissions.includes(WRITE) ? yes : no("Only an operator who may change models, upstreams and gateways can do this.");
}

export function canEditModel(selected: unknown[], session: Pick<Session, "permissions">): Can {
  const may = canOffer(session);
  return may.yes ? onlyOne(selected, "model") : may;
}

export function canWithdraw({ state }: Pick<OfferedModel, "state">): Can {
  return state === "withdrawn" ? no("It is withdrawn already.") : yes;
}

export function canOfferAgain({ state }: Pick<OfferedModel, "state">): Can {
  return state === "offered" ? no("It is offered already.") : yes;
}

export function canDeleteUpstream({ models }: Pick<Upstream, "models">): Can {
  return models.length > 0 ? no(`It serves ${models.join(", ")}. Give these models another route first, or withdraw them.`) : yes;
}

export function canRetire(selected: Pick<Gateway, "state">[], session: Pick<Session, "permissions">): Can {
  const may = canOffer(session);
  if (!may.yes) return may;
  const one = onlyOne(selected, "gateway");
  if (!one.yes) return one;
  return selected[0]?.state === "retired" ? no("It is retired already. A new token brings it back.") : yes;
}

function onlyOne(selected: unknown[], noun: string): Can {
  if (selected.length === 1) return yes;
  return no(selected.length === 0 ? `Select a ${noun} in the list first.` : `Select only one ${noun}.`);
}
