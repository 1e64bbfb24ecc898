import { lazy, Suspense } from "react";
import { useQuery } from "@tanstack/react-query";
import Spinner from "@cloudscape-design/components/spinner";
import { answer, api } from "../../api/http";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { runbookHref } from "./runbook-links";

const Markdown = lazy(() => import("../../ui/Markdown"));

/** What to do, step by step, as the domain that owns the trouble has written it. */
export function RunbookText({ domain, name }: { domain: string; name: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["/api/v3/runbooks", domain, name], staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => answer(api.GET("/api/v3/runbooks/{domain}/{name}", { params: { path: { domain, name } }, parseAs: "text", signal })) as Promise<string>,
  });
  if (error) return <ProblemAlert error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spinner />;
  return <Suspense fallback={<Spinner />}><Markdown text={data} hrefOf={(href) => runbookHref(href, domain)} /></Suspense>;
}
