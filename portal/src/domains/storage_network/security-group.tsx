import { useState } from "react";
import { useParams } from "@tanstack/react-router";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { fieldError } from "../../api/problem";
import type { SecurityGroup, SecurityRule } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { DetailPage } from "../../ui/DetailPage";
import { EmptyState } from "../../ui/EmptyState";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { StateBadge } from "../../ui/StateBadge";
import { useNetworks } from "./networks-data";
import { readPorts, sentenceOf, type PeerNames } from "./security-rules";
import { useSecurityGroup, useSecurityGroups, useWriteRules } from "./security-groups-data";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useSecurityGroup(id);
  return (
    <DetailPage
      title={data?.name ?? "Security group"} pending={isPending} error={error} onRetry={() => void refetch()}
      description={data && <span className="title-line"><StateBadge state={data.state} /><CopyId id={data.id} label="security group id" /></span>}
    >
      {data && <Rules group={data} />}
    </DetailPage>
  );
}

function Rules({ group }: { group: SecurityGroup }) {
  const [adding, setAdding] = useState(false);
  const write = useWriteRules(group);
  const names = usePeerNames();
  const rows = group.rules.map((rule, at) => ({ at, rule }));
  return (
    <>
      <ProblemAlert error={write.error} doing="Not removed" />
      <Table
        variant="container"
        header={<Header variant="h2" counter={`(${rows.length})`} description="What a rule allows to begin may also be answered. Everything else is dropped." actions={<Button onClick={() => setAdding(true)}>Add rule</Button>}>Rules</Header>}
        ariaLabels={{ tableLabel: "Rules of this security group" }} items={rows} trackBy={({ at }) => String(at)}
        empty={<EmptyState title="No rule: nothing passes" action={{ text: "Add a rule", onClick: () => setAdding(true) }}>Say what may come in, and what may go out.</EmptyState>}
        columnDefinitions={[
          { id: "what", header: "What may begin", isRowHeader: true, cell: ({ rule }) => sentenceOf(rule, names), minWidth: 180 },
          { id: "remove", header: "Action", cell: ({ at, rule }) => (
            <Button variant="inline-link" ariaLabel={`Remove: ${sentenceOf(rule, names)}`} loading={write.isPending} onClick={() => write.mutate(group.rules.filter((_, other) => other !== at))}>Remove</Button>
          ), minWidth: 110 },
        ]}
      />
      {adding && <AddRule group={group} onClose={() => setAdding(false)} />}
    </>
  );
}

function usePeerNames(): PeerNames {
  const networks = useNetworks(undefined).items;
  const groups = useSecurityGroups(undefined).items;
  return Object.fromEntries([...networks, ...groups].map(({ id, name }) => [id, name]));
}

const PROTOCOLS = [{ value: "tcp", label: "TCP" }, { value: "udp", label: "UDP" }, { value: "icmp", label: "ICMP (ping)" }, { value: "any", label: "Everything" }] as const;
type Protocol = SecurityRule["protocol"];
type Kind = "cidr" | "network_id" | "security_group_id";

function AddRule({ group, onClose }: { group: SecurityGroup; onClose: () => void }) {
  const [direction, setDirection] = useState<SecurityRule["direction"]>("in");
  const [protocol, setProtocol] = useState<Protocol>("tcp");
  const [ports, setPorts] = useState("");
  const [kind, setKind] = useState<Kind>("cidr");
  const [peer, setPeer] = useState("0.0.0.0/0");
  const write = useWriteRules(group);
  const hasPorts = protocol === "tcp" || protocol === "udp";
  const rule: SecurityRule = { direction, protocol, ...(hasPorts ? readPorts(ports) : {}), [kind]: peer };
  const error = (field: string) => fieldError(write.error, `rules.${group.rules.length}.${field}`);
  return (
    <CreateDialog title="Add rule" mutation={write} body={[...group.rules, rule]} made={() => "The machines in it follow within seconds"} onClose={onClose}>
      <FormField label="Direction">
        <RadioGroup
          value={direction} onChange={({ detail }) => setDirection(detail.value === "out" ? "out" : "in")}
          items={[{ value: "in", label: "In", description: "Somebody reaches machines in this group." }, { value: "out", label: "Out", description: "Machines in this group reach somebody." }]}
        />
      </FormField>
      <ColumnLayout columns={2}>
        <FormField label="Protocol" errorText={error("protocol")}>
          <Select options={PROTOCOLS} selectedOption={PROTOCOLS.find(({ value }) => value === protocol) ?? null} onChange={({ detail }) => setProtocol((detail.selectedOption.value ?? "tcp") as Protocol)} />
        </FormField>
        {hasPorts && (
          <FormField label={<>Ports <i>- optional</i></>} constraintText="443, or 8000-8010. Empty means all." errorText={error("first_port") ?? error("last_port")}>
            <Input value={ports} onChange={({ detail }) => setPorts(detail.value)} spellcheck={false} />
          </FormField>
        )}
      </ColumnLayout>
      <Peer kind={kind} peer={peer} error={error(kind)} set={(nextKind, nextPeer) => { setKind(nextKind); setPeer(nextPeer); }} />
    </CreateDialog>
  );
}

const KINDS = [{ value: "cidr", label: "A range of addresses" }, { value: "network_id", label: "A network" }, { value: "security_group_id", label: "Machines of a security group" }] as const;

function Peer({ kind, peer, error, set }: { kind: Kind; peer: string; error: string | undefined; set: (kind: Kind, peer: string) => void }) {
  const networks = useNetworks(undefined).items;
  const groups = useSecurityGroups(undefined).items;
  const options = (kind === "network_id" ? networks : groups).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <SpaceBetween size="m">
      <FormField label="Who is at the other end">
        <Select options={KINDS} selectedOption={KINDS.find(({ value }) => value === kind) ?? null} onChange={({ detail }) => set((detail.selectedOption.value ?? "cidr") as Kind, detail.selectedOption.value === "cidr" ? "0.0.0.0/0" : "")} />
      </FormField>
      {kind === "cidr"
        ? <FormField label="Addresses" constraintText="0.0.0.0/0 is everybody." errorText={error}><Input value={peer} onChange={({ detail }) => set(kind, detail.value)} spellcheck={false} /></FormField>
        : <FormField label={kind === "network_id" ? "Network" : "Security group"} errorText={error}><Select placeholder="Choose one" empty="There is none yet." options={options} selectedOption={options.find(({ value }) => value === peer) ?? null} onChange={({ detail }) => set(kind, detail.selectedOption.value ?? "")} /></FormField>}
    </SpaceBetween>
  );
}
