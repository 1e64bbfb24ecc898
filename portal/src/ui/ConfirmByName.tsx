import { useState, type ReactNode } from "react";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ProblemAlert } from "./ProblemAlert";

interface Props {
  title: string; /** What has to be typed; null for what can be undone. */ name: string | null; action: string; children: ReactNode;
  busy: boolean; error: unknown; onConfirm: () => void; onDismiss: () => void;
}

/** For what cannot be undone: the name has to be typed. */
export function ConfirmByName({ title, name, action, children, busy, error, onConfirm, onDismiss }: Props) {
  const [typed, setTyped] = useState("");
  const matches = name === null || typed.trim() === name;
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel="Close without doing anything"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>{name === null ? "Cancel" : "Keep it"}</Button>
            <Button
              variant="primary" onClick={onConfirm} loading={busy} disabled={!matches}
              disabledReason={`Type ${name} above first.`}
            >
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form onSubmit={(event) => { event.preventDefault(); if (matches && !busy) onConfirm(); }}>
        <SpaceBetween size="m">
          <div>{children}</div>
          {name !== null && (
            <FormField label={<>Type <strong>{name}</strong> to confirm</>}>
              <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} placeholder={name} autoComplete={false} spellcheck={false} />
            </FormField>
          )}
          <ProblemAlert error={error} />
        </SpaceBetween>
      </form>
    </Modal>
  );
}
