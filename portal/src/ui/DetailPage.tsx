import type { ReactNode } from "react";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { ProblemAlert } from "./ProblemAlert";
import { usePageTitle } from "./page-name";

interface Props {
  title: string; description?: ReactNode; actions?: ReactNode; children: ReactNode;
  pending?: boolean; error?: unknown; onRetry?: () => void;
}

/** A page about one thing: its name, what can be done with it, then sections. */
export function DetailPage({ title, description, actions, children, pending = false, error, onRetry }: Props) {
  usePageTitle(title);
  return (
    <ContentLayout header={<Header variant="h1" description={description} actions={actions}>{title}</Header>}>
      <SpaceBetween size="l">
        {error ? <ProblemAlert error={error} onRetry={onRetry} /> : null}
        {pending ? <div className="page-loading"><Spinner size="large" /> Loading {title.toLowerCase()}</div> : children}
      </SpaceBetween>
    </ContentLayout>
  );
}
