import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { answer, api } from "../../api/http";
import { useList } from "../../api/list";
import type { Incident, Telemetry } from "../../api/types";

const EVERY_10_SECONDS = 10_000;

/** Newest first, the open ones among them. */
export const useIncidents = (enabled = true, refetchMs = EVERY_10_SECONDS) => useList<Incident>("/api/v3/admin/incidents", {}, () => refetchMs, enabled);

export type Subject = { allocation_id: string } | { node_id: string };

const POINTS_WANTED = 180;
const FASTEST_MS = 5_000;

/** The last minutes of a subject, asked for again as often as a new point can be there. */
export function useTelemetry(subject: Subject, minutes: number, live: boolean) {
  const step = Math.max(5, Math.round((minutes * 60) / POINTS_WANTED));
  return useQuery({
    queryKey: ["/api/v3/telemetry", subject, minutes],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - minutes * 60_000).toISOString();
      return answer(api.GET("/api/v3/telemetry", { params: { query: { ...subject, since, step } }, signal })) as Promise<Telemetry>;
    },
    refetchInterval: live ? Math.max(FASTEST_MS, step * 1_000) : false,
  });
}
