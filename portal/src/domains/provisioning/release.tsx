import type { Allocation } from "../../api/types";
import { BulkDialog } from "../../ui/BulkDialog";
import { canRelease } from "./can";
import { useRelease } from "./data";

/** Release of one or several: each is asked for on its own, and what failed stays open with its reason. */
export function ReleaseDialog({ allocations, onClose }: { allocations: Allocation[]; onClose: () => void }) {
  const release = useRelease();
  return (
    <BulkDialog
      action="Release" noun="allocation" done="release is under way" items={allocations} can={canRelease}
      act={({ id }) => release.mutateAsync({ id, reason: "asked for in the portal" })}
      note="Billing has stopped. What is left of the hold goes back to your credit." onClose={onClose}
    >
      Access is cut at once, and everything outside volumes is erased for good. Volumes stay.
    </BulkDialog>
  );
}
