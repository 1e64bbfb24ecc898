import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import type { ModelRoute, Upstream } from "../../api/types";

const MOST = 16;

interface Props { routes: ModelRoute[]; upstreams: Upstream[]; error: string | undefined; onChange: (routes: ModelRoute[]) => void }

/** Which servers serve a model, tried from above; each may know it by another name. */
export function RoutesField({ routes, upstreams, error, onChange }: Props) {
  const options = upstreams.map(({ id, name, url }) => ({ value: id, label: name, description: url }));
  const change = (at: number, part: Partial<ModelRoute>) => onChange(routes.map((route, index) => (index === at ? { ...route, ...part } : route)));
  return (
    <FormField label="Served by" description="The first takes a call; the next one when it cannot." errorText={error} stretch>
      <AttributeEditor<ModelRoute>
        items={routes}
        isItemRemovable={() => routes.length > 1}
        addButtonText="Add another upstream" removeButtonText="Remove" removeButtonAriaLabel={({ upstream_model }) => `Remove the route to ${upstream_model || "nothing yet"}`}
        disableAddButton={routes.length >= MOST} empty="No upstream: calls are refused."
        onAddButtonClick={() => onChange([...routes, { upstream_id: "", upstream_model: "" }])}
        onRemoveButtonClick={({ detail }) => onChange(routes.filter((_, index) => index !== detail.itemIndex))}
        definition={[
          {
            label: "Upstream",
            control: (route, at) => (
              <Select
                options={options} placeholder="Choose one" empty="Add an upstream of this region first." expandToViewport selectedOption={options.find(({ value }) => value === route.upstream_id) ?? null}
                onChange={({ detail }) => change(at, { upstream_id: detail.selectedOption.value ?? "" })}
              />
            ),
          },
          {
            label: "Its name there",
            control: (route, at) => <Input value={route.upstream_model} onChange={({ detail }) => change(at, { upstream_model: detail.value })} spellcheck={false} placeholder="meta-llama/Llama-3.1-8B" />,
          },
        ]}
      />
    </FormField>
  );
}
