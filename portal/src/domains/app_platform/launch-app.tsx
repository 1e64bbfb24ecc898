import { useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import Textarea from "@cloudscape-design/components/textarea";
import { fieldError } from "../../api/problem";
import type { Allocation, App, AppParameter } from "../../api/types";
import { CreateDialog } from "../../ui/CreateDialog";
import { useLaunchApp } from "./data";
import { defaultsOf, isLong, valuesOf, type Given } from "./parameters";

/** A form made of the app's own schema: an app that is published tomorrow needs no page of its own. */
export function LaunchApp({ app, allocations, onClose }: { app: App; allocations: Allocation[]; onClose: () => void }) {
  const navigate = useNavigate();
  const launch = useLaunchApp();
  const [given, setGiven] = useState<Given>(() => defaultsOf(app));
  const [name, setName] = useState("");
  const [idle, setIdle] = useState(String(app.autostop_minutes ?? ""));
  const options = allocations.map((item) => ({ value: item.id, label: item.name, description: item.sku }));
  const [allocation, setAllocation] = useState(options[0]?.value ?? "");
  const body = {
    app: app.name, version: app.version, allocation_id: allocation, parameters: valuesOf(app, given),
    name: name || undefined, autostop_minutes: app.kind === "web" && idle ? Number(idle) : undefined,
  };
  return (
    <CreateDialog
      title={`Launch ${app.title}`} action="Launch" mutation={launch} body={body} made={(made) => `${made.name} is starting`}
      onMade={(made) => void navigate({ to: "/instances/$id", params: { id: made.id } })} onClose={onClose}
    >
      <FormField label="Machine" description="The app runs inside this allocation, as you, on its volumes." errorText={fieldError(launch.error, "allocation_id")}>
        <Select options={options} selectedOption={options.find(({ value }) => value === allocation) ?? null} onChange={({ detail }) => setAllocation(detail.selectedOption.value ?? "")} />
      </FormField>
      {Object.entries(app.parameters).map(([key, known]) => (
        <FormField key={key} label={labelOf(app, key, known)} description={known.description} errorText={fieldError(launch.error, `parameters.${key}`)}>
          <ParameterInput known={known} value={given[key] ?? ""} onChange={(value) => setGiven({ ...given, [key]: value })} />
        </FormField>
      ))}
      {app.kind === "web" && (
        <FormField label="Stop when idle for (minutes) - optional" errorText={fieldError(launch.error, "autostop_minutes")}>
          <Input type="number" value={idle} onChange={({ detail }) => setIdle(detail.value)} />
        </FormField>
      )}
      <FormField label="Name - optional" constraintText="Small letters, digits and dashes." errorText={fieldError(launch.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}

function ParameterInput({ known, value, onChange }: { known: AppParameter; value: string | boolean; onChange: (value: string | boolean) => void }) {
  if (known.type === "boolean") return <Checkbox checked={value === true} onChange={({ detail }) => onChange(detail.checked)}>{known.title || "Yes"}</Checkbox>;
  const text = String(value);
  if (known.enum) {
    const options = known.enum.map((each) => ({ value: each, label: each }));
    return <Select options={options} selectedOption={options.find((each) => each.value === text) ?? null} onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")} />;
  }
  if (isLong(known)) return <Textarea value={text} rows={6} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />;
  return <Input type={known.type === "integer" ? "number" : "text"} value={text} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />;
}

function labelOf(app: App, key: string, known: AppParameter): string {
  return (known.title || key) + (app.required.includes(key) ? "" : " - optional");
}
