import { useMutation } from "@tanstack/react-query";
import type { components } from "../../api/generated/schema";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList, type ListPath } from "../../api/list";
import type { Gateway, OfferedModel, Upstream } from "../../api/types";
import { editOf, draftOf } from "./model-draft";

type Schemas = components["schemas"];
const MODELS = "/api/v3/admin/models";
const UPSTREAMS = "/api/v3/admin/upstreams";
const GATEWAYS = "/api/v3/admin/gateways";
const EVERY_5_SECONDS = 5_000;
const UNTIL_PRICED_MS = 1_500;

/** A first price is in force a second after it was set: until then the list is read again. */
export const useOfferedModels = () => useList<OfferedModel>(MODELS, {}, (items) =>
  items.some(({ state, prices }) => state === "offered" && prices === null) ? UNTIL_PRICED_MS : false);
export const useUpstreams = () => useList<Upstream>(UPSTREAMS);
/** Read again and again: whether each is heard of is what the page is for. */
export const useGateways = () => useList<Gateway>(GATEWAYS, {}, () => EVERY_5_SECONDS);

export function useOfferModel() {
  return useMutation({ mutationFn: (body: Schemas["ModelOffer"]) => answer(api.POST(MODELS, { params: keyed, body })), onSuccess: again(MODELS, UPSTREAMS) });
}

/** All of it at once; refused when somebody else has changed it meanwhile. */
export function useEditModel({ id, generation }: Pick<OfferedModel, "id" | "generation">) {
  return useMutation({ mutationFn: (body: Schemas["ModelEdit"]) => put(id, generation, body), onSettled: again(MODELS, UPSTREAMS) });
}

/** Into the catalogue or out of it, with everything else as it is. */
export function useSetModelState(state: OfferedModel["state"]) {
  return useMutation({ mutationFn: (model: OfferedModel) => put(model.id, model.generation, editOf(draftOf(model), state)), onSettled: again(MODELS, UPSTREAMS) });
}

function put(model_id: string, generation: number, body: Schemas["ModelEdit"]) {
  const header = { ...keyed.header, "If-Match": `W/"${generation}"` };
  return answer(api.PUT("/api/v3/admin/models/{model_id}", { params: { header, path: { model_id } }, body }));
}

export function useCreateUpstream() {
  return useMutation({ mutationFn: (body: Schemas["UpstreamCreate"]) => answer(api.POST(UPSTREAMS, { params: keyed, body })), onSuccess: again(UPSTREAMS) });
}

export function useDeleteUpstream() {
  return useMutation({
    mutationFn: (upstream_id: string) => answer<unknown>(api.DELETE("/api/v3/admin/upstreams/{upstream_id}", { params: { ...keyed, path: { upstream_id } } })),
    onSettled: again(UPSTREAMS),
  });
}

export function useCreateGatewayToken() {
  return useMutation({ mutationFn: (body: Schemas["GatewayTokenCreate"]) => answer(api.POST("/api/v3/admin/gateway-tokens", { params: keyed, body })) });
}

export function useRetireGateway() {
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) =>
      answer(api.POST("/api/v3/admin/gateways/{gateway_id}/retire", { params: { ...keyed, path: { gateway_id: id } }, body: { reason } })),
    onSettled: again(GATEWAYS),
  });
}

function again(...paths: ListPath[]) {
  return () => Promise.all(paths.map((path) => queryClient.invalidateQueries({ queryKey: listKey(path) })));
}
