import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { queryClient, useSession } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import { fieldError } from "../../api/problem";
import type { Tenant } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { CanButton } from "../../ui/Can";
import { ConfirmByName } from "../../ui/ConfirmByName";
import { CopyId } from "../../ui/CopyId";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canSuspend } from "./can";

const TENANTS = "/api/v3/admin/tenants";
const columns: Column<Tenant>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (tenant) => tenant.name, cell: (tenant) => tenant.name },
  { id: "state", header: "State", value: (tenant) => tenant.state, cell: (tenant) => <StateBadge state={tenant.state} /> },
  { id: "reason", header: "Because", value: (tenant) => tenant.state_reason ?? "", cell: (tenant) => tenant.state_reason || "–", minWidth: 180 },
  { id: "created", header: "Created", value: (tenant) => tenant.created_at, cell: (tenant) => <RelativeTime at={tenant.created_at} /> },
  { id: "id", header: "Id", value: (tenant) => tenant.id, cell: (tenant) => <CopyId id={tenant.id} label="tenant id" /> },
];

export function Page() {
  const session = useSession();
  const [changing, setChanging] = useState<Tenant | null>(null);
  return (
    <>
      <ListPage<Tenant>
        title="Tenants" noun="tenants" description="Who uses this installation. Looking at what is a tenant's own is recorded in its audit log."
        list={useList<Tenant>(TENANTS)} columns={columns} itemKey={(tenant) => tenant.id} itemLabel={(tenant) => tenant.name} selectable
        empty={<EmptyState title="No tenant yet">A tenant is made when its first user signs in.</EmptyState>}
        actions={(selected) => (
          <CanButton can={canSuspend(selected, session)} onClick={() => setChanging(selected[0] ?? null)}>
            {selected[0]?.state === "suspended" ? "Resume" : "Suspend"}
          </CanButton>
        )}
      />
      {changing && <ChangeState tenant={changing} onClose={() => setChanging(null)} />}
    </>
  );
}

/** Both ways ask why: the tenant reads it in its audit log. */
function ChangeState({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const notify = useNotify();
  const [reason, setReason] = useState("");
  const suspended = tenant.state === "suspended";
  const change = useMutation({
    mutationFn: () => {
      const asked = { params: { ...keyed, path: { tenant_id: tenant.id } }, body: { reason } };
      return answer(suspended ? api.POST("/api/v3/admin/tenants/{tenant_id}/resume", asked) : api.POST("/api/v3/admin/tenants/{tenant_id}/suspend", asked));
    },
    onSuccess: async () => {
      notify({ type: "success", header: `${tenant.name} is ${suspended ? "active again" : "suspended"}` });
      onClose();
      await queryClient.invalidateQueries({ queryKey: listKey(TENANTS) });
    },
  });
  const action = suspended ? "Resume" : "Suspend";
  return (
    <ConfirmByName title={`${action} ${tenant.name}?`} name={tenant.name} action={action} busy={change.isPending} error={change.error} onConfirm={() => change.mutate()} onDismiss={onClose}>
      <SpaceBetween size="m">
        <p>{suspended ? "Its people and keys may do again what their roles say." : "Its people and keys may read, pay and release, and begin nothing new. What runs goes on and is billed."}</p>
        <FormField label="Reason" constraintText="The tenant reads it. At least three letters." errorText={fieldError(change.error, "reason")}>
          <Input value={reason} onChange={({ detail }) => setReason(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmByName>
  );
}
