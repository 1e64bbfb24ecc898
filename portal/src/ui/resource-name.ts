const NAMES: Record<string, string> = {
  vcpus: "vCPUs", volume_gb: "GB of volumes", bucket_gb: "GB of buckets", gpus: "GPUs",
};

/** What a quota counts, in words: "GB of volumes" for volume_gb. */
export const resourceName = (resource: string) => NAMES[resource] ?? resource.replaceAll("_", " ");
