import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { listKey, useList } from "../../api/list";
import type { paths } from "../../api/generated/schema";
import { answer, api, keyed } from "../../api/http";
import type { ApiKey, Project, SshKey } from "../../api/types";

export const useSshKeys = (enabled = true) => useList<SshKey>("/api/v3/ssh-keys", {}, undefined, enabled);
export const useApiKeys = (enabled = true) => useList<ApiKey>("/api/v3/keys", {}, undefined, enabled);
export const useProjects = () => useList<Project>("/api/v3/projects");

const quotas = { queryKey: ["/api/v3/quotas"], queryFn: ({ signal }: { signal: AbortSignal }) => answer(api.GET("/api/v3/quotas", { signal })) };

export const useQuotas = (enabled = true) => useQuery({ ...quotas, select: (list) => list.items, enabled });
/** What all projects may hold together; nothing for those who see only some of them. */
export const useTenantQuotas = (enabled = true) => useQuery({ ...quotas, select: (list) => list.tenant ?? [], enabled });

type Made = "/api/v3/projects" | "/api/v3/ssh-keys" | "/api/v3/keys" | "/api/v3/volumes";
type BodyOf<P extends Made> = paths[P]["post"]["requestBody"]["content"]["application/json"];

/** Creating a member of a list. Afterwards the list is read again, and the session where it names projects. */
export function useCreate<Result, P extends Made = Made>(path: P) {
  return useMutation({
    mutationFn: (body: BodyOf<P>) =>
      answer(api.POST(path as "/api/v3/projects", { params: keyed, body: body as BodyOf<"/api/v3/projects"> })) as Promise<unknown> as Promise<Result>,
    onSuccess: () => refresh(path),
  });
}

const deletions = {
  "/api/v3/ssh-keys": (key_id: string) => api.DELETE("/api/v3/ssh-keys/{key_id}", { params: { ...keyed, path: { key_id } } }),
  "/api/v3/keys": (key_id: string) => api.DELETE("/api/v3/keys/{key_id}", { params: { ...keyed, path: { key_id } } }),
  "/api/v3/volumes": (volume_id: string) => api.DELETE("/api/v3/volumes/{volume_id}", { params: { ...keyed, path: { volume_id } } }),
};

export function useDelete(path: keyof typeof deletions) {
  return useMutation({ mutationFn: (id: string) => answer<unknown>(deletions[path](id)), onSuccess: () => refresh(path) });
}

async function refresh(path: Made) {
  await queryClient.invalidateQueries({ queryKey: listKey(path) });
  if (path === "/api/v3/projects") await queryClient.invalidateQueries({ queryKey: ["session"] });
}
