import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { LaunchDraft } from "../../api/types";
import { RelativeTime } from "../../ui/RelativeTime";
import type { KeptState } from "./launch-kept";

/** Whether what was typed is safe, said under the price, and the way to an empty form. */
export function KeptLine({ state, onStartOver }: { state: Exclude<KeptState, "nothing">; onStartOver: () => void }) {
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <span role="status">
        {state === "tab"
          ? <StatusIndicator type="warning">Kept in this tab only</StatusIndicator>
          : <StatusIndicator type={state === "saved" ? "success" : "in-progress"}>{state === "saved" ? "Draft saved" : "Saving draft"}</StatusIndicator>}
      </span>
      <Button onClick={onStartOver}>Start over</Button>
    </SpaceBetween>
  );
}

interface OfferedProps { draft: LaunchDraft; onTake: (draft: LaunchDraft) => void; onDismiss: () => void }

/** An unfinished launch from another tab or machine: offered, never forced upon a new one. */
export function OfferedDraft({ draft, onTake, onDismiss }: OfferedProps) {
  const { name, sku } = draft.form;
  return (
    <Alert
      type="info" header={`You have an unfinished launch${name ? `: ${String(name)}` : ""}`}
      dismissible dismissAriaLabel="Begin a new launch" onDismiss={onDismiss}
      action={<Button onClick={() => onTake(draft)}>Continue it</Button>}
    >
      {sku ? `${String(sku)}, changed ` : "Changed "}<RelativeTime at={draft.updated_at} />. Or fill in a new one below.
    </Alert>
  );
}
