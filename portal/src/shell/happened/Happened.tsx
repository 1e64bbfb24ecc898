import { useMemo } from "react";
import Box from "@cloudscape-design/components/box";
import Drawer from "@cloudscape-design/components/drawer";
import Link from "@cloudscape-design/components/link";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useSession } from "../../api/client";
import { useList } from "../../api/list";
import type { Allocation, Incident } from "../../api/types";
import { EmptyState } from "../../ui/EmptyState";
import { RelativeTime } from "../../ui/RelativeTime";
import { usePastNotices } from "../notices";
import { feedOf, type Happening } from "./feed";

const EVERY_30_SECONDS = 30_000;

/** The newest of what this person may see. Read in the background, so that the bell tells of what others did too. */
export function useHappened(): Happening[] {
  const session = useSession();
  const notices = usePastNotices();
  const inTenant = session.tenant !== null && session.permissions.includes("allocation.read");
  const allocations = useList<Allocation>("/api/v3/allocations", { limit: 20 }, () => EVERY_30_SECONDS, inTenant);
  const incidents = useList<Incident>("/api/v3/admin/incidents", { limit: 20 }, () => EVERY_30_SECONDS, session.permissions.includes("platform.incident.read"));
  return useMemo(
    () => feedOf(notices, allocations.items, incidents.items),
    [notices, allocations.updatedAt, incidents.updatedAt], // eslint-disable-line react-hooks/exhaustive-deps
  );
}

export function Happened({ feed }: { feed: Happening[] }) {
  return (
    <Drawer header={<h2>What happened</h2>}>
      {feed.length === 0 && <EmptyState title="Nothing yet">What you do, and what becomes of it, is listed here.</EmptyState>}
      <ol className="happened">
        {feed.map((one) => (
          <li key={one.id}>
            <StatusIndicator type={one.tone}>{one.href ? <Link href={one.href}>{one.title}</Link> : one.title}</StatusIndicator>
            {one.detail && <Box color="text-body-secondary" fontSize="body-s">{one.detail}</Box>}
            <Box color="text-body-secondary" fontSize="body-s"><RelativeTime at={one.at} /></Box>
          </li>
        ))}
      </ol>
    </Drawer>
  );
}
