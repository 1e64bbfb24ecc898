import { useMemo } from "react";
import { useList, type ListPath } from "../../api/list";
import type { Session } from "../../api/types";
import { things, type Command, type Place, type Thing } from "./commands";

/** A list that the palette looks into, and how a line of it is called. Tenants are not: each look at them is audited. */
interface Source { place: Place; path: ListPath; permission: string; name?: (item: never) => string }
const SOURCES: Source[] = [
  { place: "Allocations", path: "/api/v3/allocations", permission: "allocation.read" },
  { place: "App instances", path: "/api/v3/instances", permission: "instance.read" },
  { place: "Volumes", path: "/api/v3/volumes", permission: "volume.read" },
  { place: "Buckets", path: "/api/v3/buckets", permission: "bucket.read" },
  { place: "Nodes", path: "/api/v3/admin/nodes", permission: "platform.node.read" },
  { place: "Incidents", path: "/api/v3/admin/incidents", permission: "platform.incident.read", name: ({ cause }: { cause: string }) => cause },
];

/** What the lists of the caller hold: the newest hundred of each. `unread` names the lists that gave no answer. */
export function useThings(session: Session): { known: Command[]; unread: string[] } {
  const may = ({ permission }: Source) =>
    session.permissions.includes(permission) && (permission.startsWith("platform.") || session.tenant !== null);
  // The sources never change, so their hooks are always called in the same order.
  const lists = SOURCES.map((source) => ({ ...source, list: useList<Thing>(source.path, {}, undefined, may(source)) }));
  const known = useMemo(
    () => lists.flatMap(({ place, list, name }) => things(place, list.items.map((item) => (name ? { ...item, name: name(item as never) } : item)))),
    lists.map(({ list }) => list.updatedAt), // eslint-disable-line react-hooks/exhaustive-deps
  );
  return { known, unread: lists.filter(({ list }) => list.error).map(({ place }) => place) };
}
