import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import type { Network, NetworkAttachment } from "../../api/types";

const NETWORKS = "/api/v3/networks";
const ATTACHMENTS = "/api/v3/network-attachments";
const WHILE_CHANGING_MS = 1_500;
const WATCHED_MS = 5_000;

export const useNetworks = (projectId: string | undefined, enabled = true) =>
  useList<Network>(NETWORKS, { project_id: projectId }, undefined, enabled);

export function useNetwork(network_id: string) {
  return useQuery({
    queryKey: [NETWORKS, network_id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/networks/{network_id}", { params: { path: { network_id } }, signal })),
  });
}

/** Sandboxes in networks: of one network, or the one of an allocation. Followed until their nodes hold what is wanted. */
export function useAttachments(only: { network_id?: string; allocation_id?: string }) {
  return useList<NetworkAttachment>(ATTACHMENTS, only, (items) => (items.every(({ applied }) => applied) ? WATCHED_MS : WHILE_CHANGING_MS));
}

export function useCreateNetwork() {
  return useMutation({
    mutationFn: (wanted: { name: string; region_id: string; project_id: string | undefined }) =>
      answer(api.POST(NETWORKS, { params: keyed, body: { ...wanted, labels: {} } })),
    onSuccess: again,
  });
}

export function useDeleteNetwork() {
  return useMutation({
    mutationFn: (network_id: string) =>
      answer<unknown>(api.DELETE("/api/v3/networks/{network_id}", { params: { ...keyed, path: { network_id } } })),
    onSuccess: again,
  });
}

async function again() {
  await queryClient.invalidateQueries({ queryKey: listKey(NETWORKS) });
}
