import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import type { components } from "../../api/generated/schema";
import { queryClient } from "../../api/client";
import { listKey, useList } from "../../api/list";
import { answer, api, keyed } from "../../api/http";
import type { App, Instance } from "../../api/types";
import { isChanging, isEnded } from "./can";

const LIST = "/api/v3/instances";
const WHILE_CHANGING_MS = 1_000;
const WHILE_RUNNING_MS = 5_000;

export const useApps = () => useList<App>("/api/v3/apps");

export function useInstances(projectId: string | undefined) {
  return useList<Instance>(LIST, { project_id: projectId }, (items) =>
    items.some(isChanging) ? WHILE_CHANGING_MS * 2 : WHILE_RUNNING_MS * 2);
}

export function useInstance(id: string) {
  return useQuery({
    queryKey: [LIST, id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/instances/{instance_id}", { params: { path: { instance_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isChanging(state.data) ? WHILE_CHANGING_MS : state.data && isEnded(state.data) ? false : WHILE_RUNNING_MS),
  });
}

/** `state` is part of the key: the last output comes with the end. */
export function useLogs(instance: Instance) {
  return useQuery({
    queryKey: [LIST, instance.id, "logs", instance.state],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/instances/{instance_id}/logs", { params: { path: { instance_id: instance.id } }, signal })),
    refetchInterval: isEnded(instance) ? false : WHILE_CHANGING_MS * 2,
  });
}

export function useInstanceEvents(instance: Instance) {
  return useQuery({
    queryKey: [LIST, instance.id, "events", instance.state],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/instances/{instance_id}/events", { params: { path: { instance_id: instance.id } }, signal })),
    select: (list) => [...list.items].sort((a, b) => a.seq - b.seq),
  });
}

export function useLaunchApp() {
  return useMutation({
    mutationFn: (body: components["schemas"]["InstanceCreate"]) => answer(api.POST(LIST, { params: keyed, body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: listKey(LIST) }),
  });
}

export function useStop() {
  return useMutation({
    mutationFn: (id: string) => answer(api.POST("/api/v3/instances/{instance_id}/stop", {
      params: { ...keyed, path: { instance_id: id } }, body: { reason: "stopped in the portal" },
    })),
    onSettled: (_, __, id) => Promise.all([
      queryClient.invalidateQueries({ queryKey: [LIST, id] }), queryClient.invalidateQueries({ queryKey: listKey(LIST) }),
    ]),
  });
}

/** The address is good once, so the tab is opened by the click itself and sent there when the answer comes. */
export function useOpen() {
  return useMutation({
    mutationFn: async (id: string) => {
      const tab = window.open("about:blank", "_blank");
      try {
        const { url } = await answer(api.POST("/api/v3/instances/{instance_id}/open", { params: { ...keyed, path: { instance_id: id } } }));
        if (!tab) { window.location.assign(url); return; }
        tab.opener = null;
        tab.location.replace(url);
      } catch (error) {
        tab?.close();
        throw error;
      }
    },
  });
}
