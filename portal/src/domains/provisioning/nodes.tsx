import { useMemo, useState } from "react";
import { useMutation } from "@tanstack/react-query";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import { answer, api, keyed } from "../../api/http";
import { fieldError } from "../../api/problem";
import type { BootstrapToken, Node } from "../../api/types";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { SimulatedBadge } from "../../ui/SimulatedBadge";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { useNodes } from "./data";
import { modelOf, siliconOf } from "./silicon";

const columns: Column<Node>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (node) => node.name, cell: (node) => <span className="title-line"><Link href={`/admin/nodes/${node.id}`}>{node.name}</Link><SimulatedBadge simulated={node.simulated} /></span>, minWidth: 220 },
  { id: "state", header: "State", value: (node) => node.state, cell: (node) => <StateBadge state={node.state} /> },
  { id: "region", header: "Region", value: (node) => node.region_id, cell: (node) => node.region_id },
  { id: "silicon", header: "Silicon", value: modelOf, cell: siliconOf, minWidth: 170 },
  { id: "kind", header: "Kind", value: (node) => (node.simulated ? "simulated" : "machine"), cell: (node) => (node.simulated ? "Simulated" : "Machine") },
  { id: "slots", header: "Free slots", cell: (node) => `${node.slots.available} of ${node.slots.total}` },
  { id: "seen", header: "Last seen", value: (node) => node.last_seen_at ?? "", cell: (node) => <RelativeTime at={node.last_seen_at} never="Never" /> },
  { id: "agent", header: "Agent", value: (node) => node.agent_version ?? "", cell: (node) => node.agent_version ?? "–" },
  { id: "id", header: "Id", value: (node) => node.id, cell: (node) => <CopyId id={node.id} label="node id" short />, minWidth: 160 },
];

export function Page() {
  const [enrolling, setEnrolling] = useOpenForm();
  const [token, setToken] = useState<BootstrapToken | null>(null);
  const nodes = useNodes();
  const machinesFirst = useMemo(() => [...nodes.items].sort((a, b) => Number(a.simulated) - Number(b.simulated)), [nodes.updatedAt]); // eslint-disable-line react-hooks/exhaustive-deps
  return (
    <>
      <ListPage<Node>
        title="Fleet" noun="nodes" description="Every machine of this installation."
        above={token && <TokenOnce token={token} onClose={() => setToken(null)} />}
        list={{ ...nodes, items: machinesFirst }} columns={columns} itemKey={(node) => node.id}
        empty={<EmptyState title="No node yet" action={{ text: "Enrol a node", onClick: () => setEnrolling(true) }}>A node enrols itself with a token that works once.</EmptyState>}
        actions={() => <Button variant="primary" onClick={() => setEnrolling(true)}>Enrol a node</Button>}
      />
      {enrolling && <Enrol onClose={() => setEnrolling(false)} onMade={(made) => { setEnrolling(false); setToken(made); }} />}
    </>
  );
}

function Enrol({ onClose, onMade }: { onClose: () => void; onMade: (token: BootstrapToken) => void }) {
  const [name, setName] = useState("");
  const create = useMutation({ mutationFn: (body: { node_name: string }) => answer(api.POST("/api/v3/admin/bootstrap-tokens", { params: keyed, body })) });
  return (
    <CreateDialog title="Enrol a node" action="Make a token" mutation={create} body={{ node_name: name }} made={() => "The bootstrap token is made"} onMade={onMade} onClose={onClose}>
      <FormField label="Name of the node" constraintText="The token works only for a node of this name, once, and not for long." errorText={fieldError(create.error, "node_name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}

function TokenOnce({ token, onClose }: { token: BootstrapToken; onClose: () => void }) {
  return (
    <Alert type="success" header={`Token for ${token.node_name}: copy it now`} dismissible dismissAriaLabel="I have saved the token" onDismiss={onClose}>
      <p className="problem-line">It is shown this once and expires <RelativeTime at={token.expires_at} />. It also carries the fingerprint of our CA, so the node knows whom to trust.</p>
      <CommandBlock label="Bootstrap token" text={token.token ?? ""} />
    </Alert>
  );
}
