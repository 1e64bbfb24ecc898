import type { Bucket, Volume } from "../../api/types";
import { no, yes, type Can } from "../../ui/Can";

export function canDelete(volume: Pick<Volume, "state" | "attached_to">): Can {
  if (volume.attached_to) return no(`It is attached to ${volume.attached_to}. Release that allocation first; the volume stays.`);
  if (volume.state === "deleting" || volume.state === "deleted") return no("Its deletion is under way.");
  return yes;
}

export function canDeleteBucket(bucket: Pick<Bucket, "state">): Can {
  if (bucket.state === "deleting" || bucket.state === "deleted") return no("Its deletion is under way.");
  return yes;
}

export function canMakeKey(bucket: Pick<Bucket, "state">): Can {
  if (bucket.state === "deleting" || bucket.state === "deleted") return no("The bucket is being deleted.");
  return yes;
}
