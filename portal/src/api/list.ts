import { useInfiniteQuery, type QueryKey } from "@tanstack/react-query";
import type { paths } from "./generated/schema";
import { answer, api } from "./http";
import type { List } from "./types";

const PAGE = 100;

export interface ListState<T> {
  items: T[]; isPending: boolean; error: Error | null; hasMore: boolean; updatedAt: number;
  loadMore: () => void; refresh: () => void;
}

type Query = Record<string, string | number | null | undefined>;

/** The addresses that answer a GET without anything in their path. */
export type ListPath = { [P in keyof paths]: P extends `${string}{${string}` ? never : paths[P] extends { get: object } ? P : never }[keyof paths];

/** A list resource, read page by page by its cursor. `refetchMs` polls while something in it is changing. */
export function useList<T>(
  path: ListPath, query: Query = {}, refetchMs: (items: T[]) => number | false = () => false, enabled = true,
): ListState<T> {
  const result = useInfiniteQuery({
    queryKey: listKey(path, query),
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET(path as "/api/v3/projects", { params: { query: { limit: PAGE, ...query, cursor: pageParam } }, signal })) as Promise<List<unknown>> as Promise<List<T>>,
    enabled,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (state) => refetchMs((state.state.data?.pages ?? []).flatMap((page) => page.items)),
  });
  return {
    items: (result.data?.pages ?? []).flatMap((page) => page.items),
    isPending: result.isPending, error: result.error, hasMore: result.hasNextPage, updatedAt: result.dataUpdatedAt,
    loadMore: () => void result.fetchNextPage(), refresh: () => void result.refetch(),
  };
}

export function listKey(path: ListPath, query: Query = {}): QueryKey {
  return Object.keys(query).length ? [path, query] : [path];
}
