import { useMutation } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import type { Member } from "../../api/types";

const LIST = "/api/v3/members";
export interface NewMember { email: string; role: string; project_id?: string }

export const useMembers = (projectId: string | undefined) => useList<Member>(LIST, { project_id: projectId });

const give = (body: NewMember) => answer(api.POST(LIST, { params: keyed, body })) as Promise<Member>;
const take = (id: string) => answer<unknown>(api.DELETE("/api/v3/members/{member_id}", { params: { ...keyed, path: { member_id: id } } }));
/** One's own role may have changed with it, so the session is read again too. */
const refresh = () => Promise.all([
  queryClient.invalidateQueries({ queryKey: listKey(LIST) }), queryClient.invalidateQueries({ queryKey: ["session"] }),
]);

export const useAddMember = () => useMutation({ mutationFn: give, onSettled: refresh });
export const useRemoveMember = () => useMutation({ mutationFn: take, onSettled: refresh });

/** The new role is given before the old one is taken: whatever fails in between, nobody is left without a role. */
export function useChangeRole(member: Member) {
  return useMutation({
    mutationFn: async (role: string) => {
      const made = await give({ email: member.email, role, ...(member.project_id ? { project_id: member.project_id } : {}) });
      await take(member.id);
      return made;
    },
    onSettled: refresh,
  });
}
