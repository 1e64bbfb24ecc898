import { useState } from "react";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useList } from "../../api/list";
import { fieldError } from "../../api/problem";
import type { Certificate } from "../../api/types";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { canRevoke } from "./can";
import { useRevoke } from "./data";

const columns: Column<Certificate>[] = [
  { id: "node", header: "Node", isRowHeader: true, value: (certificate) => certificate.node_id, cell: (certificate) => <CopyId id={certificate.node_id} label="node id" short />, minWidth: 180 },
  { id: "state", header: "State", value: (certificate) => certificate.state, cell: (certificate) => <StateBadge state={certificate.state} /> },
  { id: "from", header: "Issued", value: (certificate) => certificate.not_before, cell: (certificate) => <RelativeTime at={certificate.not_before} /> },
  { id: "until", header: "Ends", value: (certificate) => certificate.not_after, cell: (certificate) => <RelativeTime at={certificate.not_after} /> },
  { id: "why", header: "Revoked because", cell: (certificate) => certificate.revocation_reason ?? "–" },
  { id: "serial", header: "Serial", value: (certificate) => certificate.serial, cell: (certificate) => <CopyId id={certificate.serial} label="serial number" />, minWidth: 220 },
];

export function Page() {
  const [revoking, setRevoking] = useState<Certificate | null>(null);
  return (
    <>
      <ListPage<Certificate>
        title="Certificates" noun="certificates" description="What nodes identify themselves with. Each is short-lived and renewed by its node."
        list={useList<Certificate>("/api/v3/admin/certificates")} columns={columns} itemKey={(certificate) => certificate.id} itemLabel={(certificate) => certificate.serial} selectable
        empty={<EmptyState title="No certificate yet">The first is issued when a node enrols.</EmptyState>}
        actions={(selected) => <CanButton can={canRevoke(selected)} onClick={() => setRevoking(selected[0] ?? null)}>Revoke</CanButton>}
      />
      {revoking && <Revoke certificate={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function Revoke({ certificate, onClose }: { certificate: Certificate; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const revoke = useRevoke();
  return (
    <CreateDialog title="Revoke certificate" mutation={revoke} body={{ id: certificate.id, reason }} made={() => `The certificate of ${certificate.node_id} is revoked`} onClose={onClose}>
      <p>The node {certificate.node_id} is refused at once, also on connections that are open, until it enrols anew.</p>
      <FormField label="Why" constraintText="One sentence; it is kept in the audit log." errorText={fieldError(revoke.error, "reason")}>
        <Input value={reason} onChange={({ detail }) => setReason(detail.value)} />
      </FormField>
    </CreateDialog>
  );
}
