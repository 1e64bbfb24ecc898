import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import type { SecurityGroup, SecurityRule } from "../../api/types";

const SECURITY_GROUPS = "/api/v3/security-groups";

export const useSecurityGroups = (projectId: string | undefined, enabled = true) =>
  useList<SecurityGroup>(SECURITY_GROUPS, { project_id: projectId }, undefined, enabled);

export function useSecurityGroup(security_group_id: string) {
  return useQuery({
    queryKey: [SECURITY_GROUPS, security_group_id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/security-groups/{security_group_id}", { params: { path: { security_group_id } }, signal })),
  });
}

/** All rules, in the place of those that were; refused when somebody else has changed them meanwhile. */
export function useWriteRules(group: SecurityGroup) {
  return useMutation({
    mutationFn: (rules: SecurityRule[]) => {
      const header = { ...keyed.header, "If-Match": `W/"${group.generation}"` };
      return answer(api.PUT("/api/v3/security-groups/{security_group_id}/rules", { params: { header, path: { security_group_id: group.id } }, body: { rules } }));
    },
    onSettled: again,
  });
}

export function useCreateSecurityGroup() {
  return useMutation({
    mutationFn: (wanted: { name: string; project_id: string | undefined }) =>
      answer(api.POST(SECURITY_GROUPS, { params: keyed, body: { ...wanted, labels: {}, rules: [] } })),
    onSuccess: again,
  });
}

export function useDeleteSecurityGroup() {
  return useMutation({
    mutationFn: (security_group_id: string) =>
      answer<unknown>(api.DELETE("/api/v3/security-groups/{security_group_id}", { params: { ...keyed, path: { security_group_id } } })),
    onSuccess: again,
  });
}

async function again() {
  await queryClient.invalidateQueries({ queryKey: listKey(SECURITY_GROUPS) });
}
