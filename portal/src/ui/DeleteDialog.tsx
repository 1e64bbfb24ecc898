import type { ReactNode } from "react";
import type { UseMutationResult } from "@tanstack/react-query";
import { BulkDialog } from "./BulkDialog";
import type { Can } from "./Can";
import type { Named } from "./use-bulk";

interface Props<T extends Named> {
  noun: string; items: T[]; mutation: UseMutationResult<unknown, Error, string>; children: ReactNode; onClose: () => void;
  can?: (item: T) => Can; action?: string; done?: string;
}

/** Deleting one thing or several, each for good. */
export function DeleteDialog<T extends Named>({ mutation, action = "Delete", done = "deleted", ...rest }: Props<T>) {
  return <BulkDialog {...rest} action={action} done={done} act={({ id }) => mutation.mutateAsync(id)} />;
}
