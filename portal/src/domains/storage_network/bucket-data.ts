import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { answer, api, keyed } from "../../api/http";
import { listKey, useList } from "../../api/list";
import type { Bucket, BucketKey, NewBucketKey } from "../../api/types";

const WHILE_CHANGING_MS = 1_500;
const MEASURED_EVERY_MS = 10_000;
const WATCHED_MS = 4_000; // a wish is not a state yet: what was asked for shows once it is being done
const BUCKETS = "/api/v3/buckets";

export function useBuckets(projectId: string | undefined) {
  return useList<Bucket>(BUCKETS, { project_id: projectId }, (items) =>
    items.some((bucket) => bucket.state !== "available") ? WHILE_CHANGING_MS : MEASURED_EVERY_MS);
}

export function useBucket(bucket_id: string) {
  return useQuery({
    queryKey: [BUCKETS, bucket_id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/buckets/{bucket_id}", { params: { path: { bucket_id } }, signal })),
    refetchInterval: (query) => (query.state.data?.state === "available" ? WATCHED_MS : WHILE_CHANGING_MS),
  });
}

export function useBucketKeys(bucket_id: string) {
  return useQuery({
    queryKey: [BUCKETS, bucket_id, "keys"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/buckets/{bucket_id}/keys", { params: { path: { bucket_id }, query: { limit: 100 } }, signal })),
    select: (page): BucketKey[] => page.items,
    refetchInterval: (query) => (query.state.data?.items.some(({ state }) => state !== "active") ? WHILE_CHANGING_MS : WATCHED_MS),
  });
}

export interface NewBucket { name: string; quota_bytes: number; region_id: string | undefined; project_id: string | undefined; versioning: boolean }

/** The bucket; then, if wanted, a first key to it, whose secret is in the answer and nowhere else. */
export function useCreateBucket() {
  return useMutation({
    mutationFn: async ({ withKey, ...wanted }: NewBucket & { withKey: boolean }): Promise<{ bucket: Bucket; key: NewBucketKey | null }> => {
      const bucket = await answer(api.POST(BUCKETS, { params: keyed, body: wanted as never }));
      return { bucket, key: withKey ? await makeKey(bucket.id, { name: "first", mode: "read_write" }) : null };
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: listKey(BUCKETS) }),
  });
}

type KeyWish = { name: string; mode: "read_write" | "read_only" };

const makeKey = (bucket_id: string, wish: KeyWish): Promise<NewBucketKey> =>
  answer(api.POST("/api/v3/buckets/{bucket_id}/keys", { params: { ...keyed, path: { bucket_id } }, body: { ...wish, labels: {} } }));

export function useCreateBucketKey(bucket_id: string) {
  return useMutation({ mutationFn: (wish: KeyWish) => makeKey(bucket_id, wish), onSuccess: () => again(bucket_id) });
}

export function useRevokeBucketKey(bucket_id: string) {
  return useMutation({
    mutationFn: (key_id: string) => answer<unknown>(api.DELETE("/api/v3/buckets/{bucket_id}/keys/{key_id}", { params: { ...keyed, path: { bucket_id, key_id } } })),
    onSuccess: () => again(bucket_id),
  });
}

export function useDeleteBucket(force: boolean) {
  return useMutation({
    mutationFn: (bucket_id: string) => answer<unknown>(api.DELETE("/api/v3/buckets/{bucket_id}", { params: { ...keyed, path: { bucket_id }, query: { force } } })),
    onSuccess: (_, bucket_id) => again(bucket_id),
  });
}

async function again(bucket_id: string) {
  await queryClient.invalidateQueries({ queryKey: [BUCKETS, bucket_id] });
  await queryClient.invalidateQueries({ queryKey: listKey(BUCKETS) });
}
