import { useState } from "react";
import { useSession } from "../../api/client";
import type { Member, Session } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { useScope } from "../../shell/scope";
import { CanButton } from "../../ui/Can";
import { ConfirmByName } from "../../ui/ConfirmByName";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { canChangeMember, canManageMembers } from "./can";
import { AddMember, ChangeRole } from "./member-dialogs";
import { useMembers, useRemoveMember } from "./members-data";
import { roleName } from "./roles";

const scopeName = (member: Member, session: Session) =>
  member.project_id === null ? "Whole tenant" : session.projects.find(({ id }) => id === member.project_id)?.name ?? member.project_id;

function columnsFor(session: Session): Column<Member>[] {
  return [
    { id: "email", header: "Person", isRowHeader: true, value: (member) => member.email, cell: (member) => <>{member.email}{member.user_id === session.principal?.id ? " (you)" : ""}</>, minWidth: 200 },
    { id: "role", header: "Role", value: (member) => roleName(member.role), cell: (member) => roleName(member.role), minWidth: 130 },
    { id: "on", header: "On", value: (member) => scopeName(member, session), cell: (member) => scopeName(member, session), minWidth: 130 },
    { id: "state", header: "State", value: (member) => member.state ?? "member", cell: (member) => <StateBadge state={member.state ?? "member"} /> },
    { id: "since", header: "Since", value: (member) => member.created_at, cell: (member) => <RelativeTime at={member.created_at} /> },
    { id: "id", header: "Id", value: (member) => member.id, cell: (member) => <CopyId id={member.id} label="member id" short />, minWidth: 160 },
  ];
}

export function Page() {
  const session = useSession();
  const { projectId } = useScope();
  const list = useMembers(projectId);
  const [adding, setAdding] = useOpenForm();
  const [changing, setChanging] = useState<Member | null>(null);
  const [removing, setRemoving] = useState<Member | null>(null);
  return (
    <>
      <ListPage<Member>
        title="Members" noun="members" description="Who may do what here: one line for each role that somebody holds."
        list={list} columns={columnsFor(session)} itemKey={(member) => member.id} itemLabel={(member) => `${member.email}, ${roleName(member.role)}`} selectable
        empty={<EmptyState title="No member in this project" action={{ text: "Add a member", onClick: () => setAdding(true) }}>People with a role on the whole tenant reach every project. Choose All projects above to see them.</EmptyState>}
        actions={(selected) => {
          const can = canChangeMember(selected, session);
          return (
            <>
              <CanButton can={can} onClick={() => setRemoving(selected[0] ?? null)}>Remove</CanButton>
              <CanButton can={can} onClick={() => setChanging(selected[0] ?? null)}>Change role</CanButton>
              <CanButton can={canManageMembers(session)} variant="primary" onClick={() => setAdding(true)}>Add member</CanButton>
            </>
          );
        }}
      />
      {adding && <AddMember session={session} projectId={projectId} onClose={() => setAdding(false)} />}
      {changing && <ChangeRole member={changing} onClose={() => setChanging(null)} />}
      {removing && <RemoveMember member={removing} on={scopeName(removing, session)} own={removing.user_id === session.principal?.id} onClose={() => setRemoving(null)} />}
    </>
  );
}

function RemoveMember({ member, on, own, onClose }: { member: Member; on: string; own: boolean; onClose: () => void }) {
  const remove = useRemoveMember();
  const notify = useNotify();
  const confirm = () => remove.mutate(member.id, {
    onSuccess: () => { notify({ type: "success", header: `${member.email} is no longer ${roleName(member.role).toLowerCase()}` }); onClose(); },
  });
  return (
    <ConfirmByName
      title={`Take ${roleName(member.role)} from ${member.email}?`} name={member.email} action="Remove"
      busy={remove.isPending} error={remove.error} onConfirm={confirm} onDismiss={onClose}
    >
      {own && <p className="problem-line"><strong>This is your own role.</strong> You may not be able to give it back to yourself.</p>}
      The role on {on} ends with their next request. Machines that run keep running, and other roles of this person stay.
    </ConfirmByName>
  );
}
