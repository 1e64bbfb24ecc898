import { useState } from "react";
import Checkbox from "@cloudscape-design/components/checkbox";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Bucket } from "../../api/types";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { bytes } from "../../ui/size";
import { useDeleteBucket } from "./bucket-data";
import { canDeleteBucket } from "./can";

export function DeleteBuckets({ buckets, onClose }: { buckets: Bucket[]; onClose: () => void }) {
  const [force, setForce] = useState(false);
  const remove = useDeleteBucket(force);
  const held = buckets.reduce((sum, bucket) => sum + bucket.usage.bytes_stored, 0);
  const [they, their, isNot] = buckets.length > 1 ? ["They hold", "Their", "Those that are not"] : ["It holds", "Its", "A bucket that is not"];
  return (
    <DeleteDialog noun="bucket" done="deletion is under way" items={buckets} can={canDeleteBucket} mutation={remove} onClose={onClose}>
      <SpaceBetween size="s">
        <p className="problem-line">{they} {bytes(held)}. {their} keys stop working. {isNot} empty stay{buckets.length > 1 ? "" : "s"} as {buckets.length > 1 ? "they are" : "it is"}, unless you also delete what is in {buckets.length > 1 ? "them" : "it"}.</p>
        <Checkbox checked={force} onChange={({ detail }) => setForce(detail.checked)}>Also delete everything in {buckets.length > 1 ? "them" : "it"}, for good</Checkbox>
      </SpaceBetween>
    </DeleteDialog>
  );
}
