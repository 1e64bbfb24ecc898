import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { fieldError } from "../../api/problem";
import type { Session } from "../../api/types";
import { useNetworks } from "../storage_network/networks-data";
import { useSecurityGroups } from "../storage_network/security-groups-data";
import type { SectionProps } from "./launch";

const NONE = { value: "", label: "No network", description: "Nothing reaches it but SSH, and it reaches nothing." };

/** What the machine reaches, and what reaches it. */
export function NetworkSection({ form, set, problem, session }: SectionProps & { session: Session }) {
  const networks = useNetworks(form.project || undefined, session.authenticated).items;
  const options = [NONE, ...networks.map((network) => ({
    value: network.id, label: network.name, description: network.cidr, disabled: network.region_id !== form.region,
    disabledReason: network.region_id === form.region ? undefined : `It is in region ${network.region_id}.`,
  }))];
  return (
    <Container header={<Header variant="h2" description="You log in by SSH through our door either way: it needs no network.">What it reaches, and what reaches it</Header>}>
      <SpaceBetween size="m">
        <FormField
          label="Network" errorText={fieldError(problem, "network_id", "network")}
          constraintText={session.authenticated ? <>Networks are made on <Link href="/networks">Networks</Link>; this launch is kept meanwhile.</> : "Sign in first to see your networks."}
        >
          <Select
            disabled={!session.authenticated} options={options} expandToViewport
            selectedOption={options.find(({ value }) => value === form.networkId) ?? NONE}
            onChange={({ detail }) => set({ networkId: detail.selectedOption.value ?? "" })}
          />
        </FormField>
        {form.networkId
          ? <Groups form={form} set={set} error={fieldError(problem, "security_group_ids")} />
          : <StatusIndicator type="info">The machine reaches neither the internet nor any other machine, and none reaches it.</StatusIndicator>}
      </SpaceBetween>
    </Container>
  );
}

function Groups({ form, set, error }: Pick<SectionProps, "form" | "set"> & { error: string | undefined }) {
  const groups = useSecurityGroups(form.project || undefined);
  const options = groups.items.map(({ id, name, rules }) => ({ value: id, label: name, description: rules.length ? `${rules.length} rules` : "No rule: nothing passes" }));
  return (
    <FormField label="Security groups" errorText={error} constraintText="They say what may come in and go out. With none, nothing passes. You can change them while it runs.">
      <Multiselect
        options={options} selectedOptions={options.filter(({ value }) => form.groupIds.includes(value))}
        onChange={({ detail }) => set({ groupIds: detail.selectedOptions.map(({ value }) => value ?? "") })}
        statusType={groups.isPending ? "loading" : "finished"} loadingText="Loading security groups"
        placeholder="Choose security groups" empty="You have no security group yet." expandToViewport
      />
    </FormField>
  );
}
