import { useState } from "react";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Node } from "../../api/types";
import { fieldError } from "../../api/problem";
import { useNotify } from "../../shell/notices";
import { ConfirmByName } from "../../ui/ConfirmByName";
import { useDrain } from "./data";

const HOUR = 3_600;
export const DEADLINES = [
  { value: String(0), label: "At once" },
  { value: String(HOUR), label: "In 1 hour" },
  { value: String(4 * HOUR), label: "In 4 hours" },
  { value: String(24 * HOUR), label: "In 1 day" },
  { value: String(7 * 24 * HOUR), label: "In 7 days" },
];
const USUAL = DEADLINES[2]!;

/** Out of service: who is on the node reads the reason and the deadline, so both are asked for. */
export function DrainDialog({ node, onClose }: { node: Node; onClose: () => void }) {
  const notify = useNotify();
  const drain = useDrain(node);
  const [deadline, setDeadline] = useState(USUAL);
  const [reason, setReason] = useState("");
  const confirm = () => drain.mutate({ seconds: Number(deadline.value), reason }, {
    onSuccess: () => {
      notify({ type: "success", header: `${node.name} takes nothing new`, content: "It goes into maintenance when nobody is on it any more, at its deadline at the latest." });
      onClose();
    },
  });
  const there = node.slots.occupied;
  return (
    <ConfirmByName title={`Drain ${node.name}?`} name={node.name} action="Drain" busy={drain.isPending} error={drain.error} onConfirm={confirm} onDismiss={onClose}>
      <SpaceBetween size="m">
        <p>
          Nothing new is placed on it from now on. {there === 0
            ? "Nobody is on it, so it goes into maintenance at once."
            : `${there === 1 ? "One allocation is" : `${there} allocations are`} on it: their tenants are told, and what is left at the deadline is released.`}
        </p>
        <FormField label="Released at the latest">
          <Select options={DEADLINES} selectedOption={deadline} onChange={({ detail }) => setDeadline(DEADLINES.find(({ value }) => value === detail.selectedOption.value) ?? USUAL)} />
        </FormField>
        <FormField label="Reason" constraintText="Tenants on the node read it. At least three letters." errorText={fieldError(drain.error, "reason")}>
          <Input value={reason} onChange={({ detail }) => setReason(detail.value)} placeholder="New firmware" />
        </FormField>
      </SpaceBetween>
    </ConfirmByName>
  );
}
