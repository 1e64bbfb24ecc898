import { useMutation } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import type { PublishedPort } from "../../api/types";

const PUBLISHED_PORTS = "/api/v3/published-ports";
const WHILE_CHANGING_MS = 2_000;

/** Read again while one of them is opening. */
export function usePublishedPorts(only: { project_id?: string; allocation_id?: string }) {
  return useList<PublishedPort>(PUBLISHED_PORTS, only, (items) => (items.some(({ state }) => state === "opening") ? WHILE_CHANGING_MS : false));
}

export function useCreatePublishedPort() {
  return useMutation({
    mutationFn: (wanted: { allocation_id: string; port: number; name: string | null }) =>
      answer(api.POST(PUBLISHED_PORTS, { params: keyed, body: { ...wanted, labels: {} } })),
    onSuccess: again,
  });
}

export function useDeletePublishedPort() {
  return useMutation({
    mutationFn: (published_port_id: string) =>
      answer<unknown>(api.DELETE("/api/v3/published-ports/{published_port_id}", { params: { ...keyed, path: { published_port_id } } })),
    onSuccess: again,
  });
}

async function again() {
  await queryClient.invalidateQueries({ queryKey: listKey(PUBLISHED_PORTS) });
}
