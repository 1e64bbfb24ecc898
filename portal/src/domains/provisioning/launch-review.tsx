import type { ReactNode } from "react";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { CatalogItem, Session } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { IsolationLabel } from "../../ui/IsolationLabel";
import { useSshKeys } from "../iam/data";
import { useVolumes } from "../storage_network/data";
import { useNetworks } from "../storage_network/networks-data";
import { useSecurityGroups } from "../storage_network/security-groups-data";
import { check, type LaunchForm, type Names } from "./launch-form";
import { wrongOn, type Step } from "./launch-steps";

/** The names of what the form knows by id, for the review and for the command line. */
export function useNames(form: LaunchForm, session: Session): Names {
  const keys = useSshKeys(session.authenticated);
  const volumes = useVolumes(undefined, session.authenticated);
  const networks = useNetworks(undefined, session.authenticated);
  const groups = useSecurityGroups(undefined, session.authenticated);
  const volume = volumes.items.find(({ id }) => id === form.volumeId);
  return {
    project: session.projects.find((each) => each.id === form.project)?.name ?? "",
    volume: volume ? `${volume.name}:${volume.size_gb}` : "",
    keys: keys.items.filter(({ id }) => form.keyIds.includes(id)).map(({ name }) => name),
    network: networks.items.find(({ id }) => id === form.networkId)?.name ?? "",
    groups: groups.items.filter(({ id }) => form.groupIds.includes(id)).map(({ name }) => name),
  };
}

interface Props { form: LaunchForm; item: CatalogItem | undefined; names: Names; onEdit: (step: Step) => void }
type Part = { label: string; value: ReactNode };

/** Everything that was chosen, each part with the way back to its step. */
export function ReviewSection({ form, item, names, onEdit }: Props) {
  const wrong = check(form);
  const parts: [Exclude<Step, "review">, string, Part[]][] = [
    ["hardware", "Hardware", [
      { label: "What", value: item ? `${item.name} in ${item.region_id}` : "Not chosen yet" },
      { label: "Price", value: item ? <Cost value={item.price} per="hour" /> : "–" },
      { label: "Kept apart by", value: item ? <IsolationLabel isolation={item.isolation} /> : "–" },
    ]],
    ["access", "Access", [
      { label: "Name", value: form.name || "Made up for you" }, { label: "Project", value: names.project || "Your default project" },
      { label: "SSH key", value: keyText(form, names) },
    ]],
    ["storage", "Storage", [{ label: "Volume", value: volumeText(form, names) }]],
    ["network", "Network", networkParts(form, names)],
  ];
  return (
    <Container header={<Header variant="h2" description="This is what you are about to start.">Your choices</Header>}>
      <SpaceBetween size="l">
        {parts.map(([step, title, items]) => (
          <SpaceBetween key={step} size="xxs">
            <Header variant="h3" actions={<Button variant="inline-link" ariaLabel={`Change ${title.toLowerCase()}`} onClick={() => onEdit(step)}>Change</Button>}>{title}</Header>
            {wrongOn(step, wrong) && <StatusIndicator type="warning">Something is missing here</StatusIndicator>}
            <KeyValuePairs columns={items.length} minColumnWidth={130} items={items} />
          </SpaceBetween>
        ))}
      </SpaceBetween>
    </Container>
  );
}

function networkParts(form: LaunchForm, names: Names): Part[] {
  if (!form.networkId) return [{ label: "Reached by", value: "SSH through the door, nothing else" }];
  return [{ label: "Network", value: names.network || form.networkId }, { label: "Security groups", value: names.groups.join(", ") || "None: nothing passes" }];
}

function keyText(form: LaunchForm, names: Names): string {
  if (form.keyChoice === "existing") return names.keys.join(", ") || "Not chosen yet";
  return form.publicKey ? form.keyName || "A new key" : "Not given yet";
}

function volumeText(form: LaunchForm, names: Names): string {
  if (form.volumeChoice === "new") return `${form.volumeName}, ${form.volumeGb} GB, new`;
  if (form.volumeChoice === "existing") return names.volume.split(":")[0] || "Not chosen yet";
  return "None: everything is erased at release";
}
