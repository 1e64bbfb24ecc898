import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { fieldError } from "../../api/problem";
import type { Session, Volume } from "../../api/types";
import { useSshKeys } from "../iam/data";
import { useVolumes } from "../storage_network/data";
import type { SectionProps } from "./launch";
import type { KeyChoice, VolumeChoice } from "./launch-form";

type Props = SectionProps & { session: Session };

export function NameSection({ form, set, wrong, problem, session }: Props) {
  const options = session.projects.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Container header={<Header variant="h2">Name and project</Header>}>
      <ColumnLayout columns={2}>
        <FormField label={<>Name <i>- optional</i></>} constraintText="Letters, digits, dots and dashes. Left empty, a name is made up." errorText={wrong.name ?? fieldError(problem, "name")}>
          <Input value={form.name} onChange={({ detail }) => set({ name: detail.value })} placeholder="my-first-machine" spellcheck={false} />
        </FormField>
        <FormField label="Project" constraintText={session.authenticated ? "Quota and cost count for this project." : "You choose the project after signing in."} errorText={fieldError(problem, "project_id")}>
          <Select
            disabled={!session.authenticated}
            selectedOption={options.find((option) => option.value === form.project) ?? null}
            options={options}
            placeholder={session.authenticated ? "Choose a project" : "Your default project"}
            onChange={({ detail }) => set({ project: detail.selectedOption.value ?? "" })}
          />
        </FormField>
      </ColumnLayout>
    </Container>
  );
}

export function KeySection({ form, set, wrong, problem, session }: Props) {
  return (
    <Container header={<Header variant="h2" description="Your SSH key is the only way in. We store its public half only.">SSH key</Header>}>
      <SpaceBetween size="m">
        {session.authenticated && (
          <FormField label="Which key">
            <RadioGroup
              value={form.keyChoice}
              onChange={({ detail }) => set({ keyChoice: detail.value as KeyChoice })}
              items={[{ value: "existing", label: "Use a key that is saved here" }, { value: "new", label: "Paste a new key" }]}
            />
          </FormField>
        )}
        {form.keyChoice === "existing" && session.authenticated
          ? <SavedKeys form={form} set={set} error={wrong.keyIds ?? fieldError(problem, "ssh_key_ids")} />
          : <NewKey form={form} set={set} error={wrong.publicKey ?? fieldError(problem, "ssh_public_key", "ssh_key_name", "public_key")} />}
      </SpaceBetween>
    </Container>
  );
}

type FieldProps = Pick<SectionProps, "form" | "set"> & { error: string | undefined };

function SavedKeys({ form, set, error }: FieldProps) {
  const keys = useSshKeys();
  const options = keys.items.map((key) => ({ value: key.id, label: key.name, description: key.fingerprint }));
  return (
    <FormField label="Saved keys" errorText={error}>
      <Multiselect
        options={options}
        selectedOptions={options.filter((option) => form.keyIds.includes(option.value))}
        onChange={({ detail }) => set({ keyIds: detail.selectedOptions.map((option) => option.value ?? "") })}
        statusType={keys.isPending ? "loading" : "finished"} loadingText="Loading your keys"
        placeholder="Choose keys" empty="You have no saved key yet: paste a new one instead." expandToViewport
      />
    </FormField>
  );
}

function NewKey({ form, set, error }: FieldProps) {
  return (
    <SpaceBetween size="m">
      <FormField label="Public key" stretch errorText={error} constraintText="The content of a file that ends in .pub, for example ~/.ssh/id_ed25519.pub. No key yet? Run: ssh-keygen -t ed25519">
        <Textarea value={form.publicKey} onChange={({ detail }) => set({ publicKey: detail.value })} rows={3} placeholder="ssh-ed25519 AAAA… you@laptop" spellcheck={false} autoComplete="off" />
      </FormField>
      <FormField label={<>Name of the key <i>- optional</i></>} constraintText="It is saved under this name for the next launch.">
        <Input value={form.keyName} onChange={({ detail }) => set({ keyName: detail.value })} placeholder="laptop" spellcheck={false} />
      </FormField>
    </SpaceBetween>
  );
}

export function VolumeSection({ form, set, wrong, problem, session }: Props) {
  return (
    <Container header={<Header variant="h2" description="A volume outlives the machine. Everything outside it is erased at release.">Volume</Header>}>
      <SpaceBetween size="m">
        <FormField label="What to attach" errorText={fieldError(problem, "volumes")}>
          <RadioGroup
            value={form.volumeChoice}
            onChange={({ detail }) => set({ volumeChoice: detail.value as VolumeChoice })}
            items={[
              { value: "none", label: "No volume", description: "Only scratch space, erased at release." },
              { value: "new", label: "Create a volume", description: "If the machine never becomes active, the new volume is deleted with it." },
              { value: "existing", label: "Attach a volume that I have", disabled: !session.authenticated, description: session.authenticated ? undefined : "Sign in first to see your volumes." },
            ]}
          />
        </FormField>
        {form.volumeChoice === "new" && (
          <ColumnLayout columns={2}>
            <FormField label="Volume name" errorText={wrong.volumeName} constraintText={`It appears at /volumes/${form.volumeName || "name"}.`}>
              <Input value={form.volumeName} onChange={({ detail }) => set({ volumeName: detail.value })} spellcheck={false} />
            </FormField>
            <FormField label="Size in GB" errorText={wrong.volumeGb ?? fieldError(problem, "size_gb")}>
              <Input type="number" inputMode="numeric" value={form.volumeGb} onChange={({ detail }) => set({ volumeGb: detail.value })} />
            </FormField>
          </ColumnLayout>
        )}
        {form.volumeChoice === "existing" && session.authenticated && <SavedVolumes form={form} set={set} error={wrong.volumeId} />}
      </SpaceBetween>
    </Container>
  );
}

function SavedVolumes({ form, set, error }: FieldProps) {
  const volumes = useVolumes(undefined);
  const options = volumes.items.map((volume) => ({
    value: volume.id, label: volume.name, description: `${volume.size_gb} GB`, disabled: volume.attached_to !== null, disabledReason: whyNot(volume),
  }));
  return (
    <FormField label="My volumes" errorText={error}>
      <Select
        options={options}
        selectedOption={options.find((option) => option.value === form.volumeId) ?? null}
        onChange={({ detail }) => set({ volumeId: detail.selectedOption.value ?? "" })}
        statusType={volumes.isPending ? "loading" : "finished"} loadingText="Loading your volumes"
        placeholder="Choose a volume" empty="You have no volume yet: create one instead." expandToViewport
      />
    </FormField>
  );
}

const whyNot = (volume: Volume) => (volume.attached_to ? `It is attached to ${volume.attached_to}. Release that allocation first.` : undefined);
