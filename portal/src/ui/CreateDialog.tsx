import type { ReactNode } from "react";
import type { UseMutationResult } from "@tanstack/react-query";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useNotify } from "../shell/notices";
import { ProblemAlert } from "./ProblemAlert";

interface Props<Body, Made> {
  title: string; mutation: UseMutationResult<Made, Error, Body>; body: Body; children: ReactNode; size?: "medium" | "large"; action?: string; disabledReason?: string;
  made: (made: Made) => string; onMade?: (made: Made) => void; onClose: () => void;
}

/** A short form over the page: progress on its button, the problem in place, a notice when done. */
export function CreateDialog<Body, Made>({ title, mutation, body, children, size, action, disabledReason, made, onMade, onClose }: Props<Body, Made>) {
  const notify = useNotify();
  const submit = () => mutation.mutate(body, {
    onSuccess: (result) => {
      notify({ type: "success", header: made(result) });
      if (onMade) onMade(result);
      else onClose();
    },
  });
  return (
    <Modal
      visible size={size} header={title} closeAriaLabel="Close without creating" onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>Cancel</Button>
            <Button variant="primary" loading={mutation.isPending} disabled={disabledReason !== undefined} disabledReason={disabledReason} onClick={submit}>{action ?? title}</Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form onSubmit={(event) => { event.preventDefault(); if (!mutation.isPending && disabledReason === undefined) submit(); }}>
        <SpaceBetween size="m">
          {children}
          <ProblemAlert error={mutation.error} />
        </SpaceBetween>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Modal>
  );
}
