import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ListState } from "../../api/list";
import { answer, api } from "../../api/http";
import type { TokenUsage } from "../../api/types";

const EVERY_10_SECONDS = 10_000;
const DAY_MS = 86_400_000;

export const PERIODS = [
  { id: "day", text: "24 hours", days: 1 }, { id: "week", text: "7 days", days: 7 }, { id: "month", text: "30 days", days: 30 },
] as const;
export const GROUPINGS = [
  { id: "key", text: "By key and model", by: ["key", "model"] }, { id: "project", text: "By project", by: ["project"] }, { id: "model", text: "By model", by: ["model"] },
] as const;
export type Period = (typeof PERIODS)[number];
export type Grouping = (typeof GROUPINGS)[number];

/** What the address says, or the first choice. */
export const periodOf = (id: string | undefined): Period => PERIODS.find((each) => each.id === id) ?? PERIODS[0];
export const groupingOf = (id: string | undefined): Grouping => GROUPINGS.find((each) => each.id === id) ?? GROUPINGS[0];

/** The beginning of the period that ends at `now`. */
export const sinceOf = ({ days }: Period, now: Date) => new Date(now.getTime() - days * DAY_MS).toISOString();

export interface Totals { requests: number; failed: number; tokens_in: number; tokens_out: number }

export function totalsOf(rows: TokenUsage[]): Totals {
  const sum = (member: keyof Totals) => rows.reduce((total, row) => total + row[member], 0);
  return { requests: sum("requests"), failed: sum("failed"), tokens_in: sum("tokens_in"), tokens_out: sum("tokens_out") };
}

/** A row's part of all tokens: "38 %", "< 1 %". */
export function shareOf(row: TokenUsage, { tokens_in, tokens_out }: Totals): string {
  const percent = (100 * (row.tokens_in + row.tokens_out)) / (tokens_in + tokens_out || 1);
  return percent > 0 && percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

export const rowKey = (row: TokenUsage) => [row.key_id, row.project_id, row.model_id].join(" ");

export function useTokenUsage(period: Period, { by }: Grouping, projectId: string | undefined): ListState<TokenUsage> {
  const result = useQuery({
    queryKey: ["/api/v3/token-usage", period.id, by, projectId],
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_10_SECONDS,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/token-usage", {
      params: { query: { since: sinceOf(period, new Date()), by: [...by], project_id: projectId } }, signal,
    })),
  });
  return {
    items: result.data?.items ?? [], isPending: result.isPending, error: result.error, hasMore: false, updatedAt: result.dataUpdatedAt,
    loadMore: () => undefined, refresh: () => void result.refetch(),
  };
}
