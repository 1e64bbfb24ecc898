import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { Gateway, NewGatewayToken } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { CanButton } from "../../ui/Can";
import { CommandBlock } from "../../ui/CommandBlock";
import { ConfirmByName } from "../../ui/ConfirmByName";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { useRegions } from "../product/catalog-data";
import { canOffer, canRetire } from "./can";
import { enrolCommand, knowledgeOf, RUN_COMMAND, snapshotText } from "./gateway-facts";
import { useCreateGatewayToken, useGateways, useRetireGateway } from "./inference-data";

const columns: Column<Gateway>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (gateway) => gateway.name, cell: (gateway) => gateway.name },
  { id: "state", header: "State", value: (gateway) => gateway.state, cell: (gateway) => <StateBadge state={gateway.state} /> },
  { id: "knows", header: "Knows", value: knowledgeOf, cell: (gateway) => (gateway.state === "retired" ? "–" : <StateBadge state={knowledgeOf(gateway)} />), minWidth: 150 },
  { id: "snapshot", header: "Snapshot", value: (gateway) => gateway.known_version, cell: snapshotText, minWidth: 130 },
  { id: "seen", header: "Last heard of", value: (gateway) => gateway.seen_at ?? "", cell: (gateway) => <RelativeTime at={gateway.seen_at} never="Never" />, minWidth: 130 },
  { id: "region", header: "Region", value: (gateway) => gateway.region_id, cell: (gateway) => gateway.region_id },
  { id: "created", header: "Enrolled", value: (gateway) => gateway.created_at, cell: (gateway) => <RelativeTime at={gateway.created_at} /> },
  { id: "id", header: "Id", value: (gateway) => gateway.id, cell: (gateway) => <CopyId id={gateway.id} label="gateway id" short />, minWidth: 160 },
];

export function Page() {
  const session = useSession();
  const [making, setMaking] = useOpenForm();
  const [token, setToken] = useState<NewGatewayToken | null>(null);
  const [retiring, setRetiring] = useState<Gateway | null>(null);
  return (
    <>
      <ListPage<Gateway>
        title="Gateways" noun="gateways" description="What carries tenants' calls to models and counts their tokens. Each works from a snapshot of keys, models and credit."
        above={token && <TokenOnce token={token} onClose={() => setToken(null)} />}
        list={useGateways()} columns={columns} itemKey={(gateway) => gateway.id} itemLabel={(gateway) => gateway.name} selectable
        empty={<EmptyState title="No gateway yet" action={{ text: "New gateway token", onClick: () => setMaking(true) }}>Without one no model can be called. A gateway enrols itself with a token that works once.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canRetire(selected, session)} onClick={() => setRetiring(selected[0] ?? null)}>Retire</CanButton>
            <CanButton can={canOffer(session)} variant="primary" onClick={() => setMaking(true)}>New gateway token</CanButton>
          </>
        )}
      />
      {making && <NewToken onClose={() => setMaking(false)} onMade={(made) => { setMaking(false); setToken(made); }} />}
      {retiring && <Retire gateway={retiring} onClose={() => setRetiring(null)} />}
    </>
  );
}

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: (token: NewGatewayToken) => void }) {
  const [name, setName] = useState("");
  const [regionId, setRegionId] = useState<string>();
  const { data: regions = [] } = useRegions();
  const options = regions.map((region) => ({ value: region.id, label: region.name }));
  const region_id = regionId ?? options[0]?.value;
  const create = useCreateGatewayToken();
  return (
    <CreateDialog title="New gateway token" action="Make a token" mutation={create} body={{ gateway_name: name, region_id }} made={() => "The gateway token is made"} onMade={onMade} onClose={onClose}>
      <FormField label="Name of the gateway" constraintText="The token works only for a gateway of this name, once, for 15 minutes." errorText={fieldError(create.error, "gateway_name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} placeholder="edge-2" />
      </FormField>
      <FormField label="Region" constraintText="It serves the models of this region." errorText={fieldError(create.error, "region_id")}>
        <Select options={options} selectedOption={options.find(({ value }) => value === region_id) ?? null} onChange={({ detail }) => setRegionId(detail.selectedOption.value)} />
      </FormField>
    </CreateDialog>
  );
}

function TokenOnce({ token, onClose }: { token: NewGatewayToken; onClose: () => void }) {
  return (
    <Alert type="success" header={`Token for ${token.gateway_name}: copy this now`} dismissible dismissAriaLabel="I have saved the token" onDismiss={onClose}>
      <SpaceBetween size="s">
        <p className="problem-line">It is shown this once and expires <RelativeTime at={token.expires_at} />. Run this where the gateway will stand. 8044 is the port for agents and gateways, unless this platform was started with another.</p>
        <CommandBlock label="Enrol the gateway" text={enrolCommand(token, location.hostname)} />
        <CommandBlock label="Run the gateway" text={RUN_COMMAND} />
      </SpaceBetween>
    </Alert>
  );
}

function Retire({ gateway, onClose }: { gateway: Gateway; onClose: () => void }) {
  const notify = useNotify();
  const [reason, setReason] = useState("");
  const retire = useRetireGateway();
  const confirm = () => retire.mutate({ id: gateway.id, reason }, { onSuccess: () => { notify({ type: "success", header: `${gateway.name} is retired` }); onClose(); } });
  return (
    <ConfirmByName title={`Retire ${gateway.name}?`} name={gateway.name} action="Retire" busy={retire.isPending} error={retire.error} onConfirm={confirm} onDismiss={onClose}>
      <SpaceBetween size="m">
        <p className="problem-line">It is refused at once: it hears of no key, no model and no credit any more, and what it has not told yet stays untold. Take it out of the balancer first. A new token brings it back.</p>
        <FormField label="Why" constraintText="At least three letters; it is kept in the audit log." errorText={fieldError(retire.error, "reason")}>
          <Input value={reason} onChange={({ detail }) => setReason(detail.value)} placeholder="Moved to another machine" />
        </FormField>
      </SpaceBetween>
    </ConfirmByName>
  );
}
