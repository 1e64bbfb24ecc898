import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { listKey, useList } from "../../api/list";
import { answer, api, keyed } from "../../api/http";
import type { Allocation, List, Node, NodeTransition, Offer, Slot } from "../../api/types";
import { isChanging } from "./can";
import type { AllocationRequest } from "./launch-form";

const LIST = "/api/v3/allocations";
const WHILE_CHANGING_MS = 1_000;
const WHILE_RUNNING_MS = 10_000;

export function useAllocations(projectId: string | undefined) {
  return useList<Allocation>("/api/v3/allocations", { project_id: projectId }, (items) =>
    items.some(isChanging) ? WHILE_CHANGING_MS * 2 : WHILE_RUNNING_MS);
}

export function useAllocation(id: string) {
  return useQuery({
    queryKey: [LIST, id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/allocations/{allocation_id}", { params: { path: { allocation_id: id } }, signal })) as Promise<Allocation>,
    refetchInterval: ({ state }) => (state.data && isChanging(state.data) ? WHILE_CHANGING_MS : WHILE_RUNNING_MS),
  });
}

/** `state` is part of the key: a new state means a new transition, which must not wait for the next poll. */
export function useTransitions(id: string, state: string, changing: boolean) {
  return useQuery({
    queryKey: [LIST, id, "events", state],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/allocations/{allocation_id}/events", { params: { path: { allocation_id: id } }, signal })),
    select: (list) => [...list.items].sort((a, b) => a.seq - b.seq),
    refetchInterval: changing ? WHILE_CHANGING_MS : WHILE_RUNNING_MS,
  });
}

export function useLaunch() {
  return useMutation({
    mutationFn: (request: AllocationRequest) => answer(api.POST("/api/v3/allocations", { params: keyed, body: request })) as Promise<Allocation>,
    onSuccess: (made) => {
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
      queryClient.setQueryData([LIST, made.id], made);
    },
  });
}

/** The unfinished launch that was changed last, if there is one. */
export function useNewestDraft(enabled: boolean) {
  return useQuery({
    queryKey: ["/api/v3/launch-drafts", "newest"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/launch-drafts", { params: { query: { limit: 1 } }, signal })),
    select: (list) => list.items[0],
    enabled,
  });
}

export function useRelease() {
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason?: string }) =>
      answer(api.POST("/api/v3/allocations/{allocation_id}/release", {
        params: { ...keyed, path: { allocation_id: id } }, body: reason ? { reason } : {},
      })),
    onSettled: (_, __, { id }) => Promise.all([
      queryClient.invalidateQueries({ queryKey: [LIST, id] }),
      queryClient.invalidateQueries({ queryKey: listKey(LIST) }),
    ]),
  });
}

export function useOffers(sku: string, enabled: boolean) {
  return useQuery({
    queryKey: ["/api/v3/offers", sku],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/offers", { params: { query: { sku } }, signal })) as Promise<unknown> as Promise<List<Offer>>,
    select: (list) => list.items,
    enabled: enabled && sku !== "",
  });
}

const NODES = "/api/v3/admin/nodes";

export const useNodes = () => useList<Node>("/api/v3/admin/nodes", {}, () => WHILE_RUNNING_MS);
export const useSlots = (nodeId?: string) => useList<Slot>("/api/v3/admin/slots", { node_id: nodeId }, () => WHILE_RUNNING_MS);

export function useNode(id: string) {
  return useQuery({
    queryKey: [NODES, id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/admin/nodes/{node_id}", { params: { path: { node_id: id } }, signal })) as Promise<unknown> as Promise<Node>,
    refetchInterval: ({ state }) => (state.data && state.data.service !== state.data.desired_service ? WHILE_CHANGING_MS * 2 : WHILE_RUNNING_MS),
  });
}

/** Newest first. `generation` is part of the key: what changed the node has its line here. */
export function useNodeEvents(id: string, generation: number) {
  return useQuery({
    queryKey: [NODES, id, "events", generation],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/admin/nodes/{node_id}/events", { params: { path: { node_id: id } }, signal })),
    select: (list): NodeTransition[] => [...list.items].reverse(),
    refetchInterval: WHILE_RUNNING_MS,
  });
}

/** What was read is what is changed: another operator's change in between is refused, not overwritten. */
const unchanged = (node: Node) => ({ header: { ...keyed.header, "If-Match": `W/"${node.generation}"` }, path: { node_id: node.id } });

function onNodeChanged(node: Node) {
  return Promise.all([
    queryClient.invalidateQueries({ queryKey: [NODES, node.id] }),
    queryClient.invalidateQueries({ queryKey: listKey(NODES) }),
  ]);
}

export function useDrain(node: Node) {
  return useMutation({
    mutationFn: ({ seconds, reason }: { seconds: number; reason: string }) =>
      answer(api.POST("/api/v3/admin/nodes/{node_id}/drain", {
        params: unchanged(node), body: { deadline_at: new Date(Date.now() + seconds * 1_000).toISOString(), reason },
      })),
    onSettled: () => onNodeChanged(node),
  });
}

export function useResume(node: Node) {
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v3/admin/nodes/{node_id}/resume", { params: unchanged(node), body: {} })),
    onSettled: () => onNodeChanged(node),
  });
}
