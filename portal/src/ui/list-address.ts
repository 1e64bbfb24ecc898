import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import type { TableProps } from "@cloudscape-design/components/table";
import { decodeFilter, encodeFilter } from "./filter";

// What one sees of a list, as the address carries it: ?filter=state=active&sort=-created&page=2

export type Address = Record<string, string | undefined>;
export interface ListView { filter: PropertyFilterProps.Query; sort: { column: string; descending: boolean } | null; page: number }

const MOST_PAGES = 10_000;

export function viewOf(address: Address): ListView {
  const [, minus, column] = /^(-?)([a-z_0-9]+)$/.exec(address.sort ?? "") ?? [];
  const page = /^[1-9]\d{0,4}$/.test(address.page ?? "") ? Math.min(Number(address.page), MOST_PAGES) : 1;
  return { filter: decodeFilter(address.filter), sort: column ? { column, descending: minus === "-" } : null, page };
}

/** A filter or an order of its own begins at the first page. */
export const filterChange = (query: PropertyFilterProps.Query): Address => ({ filter: encodeFilter(query), page: undefined });
export const pageChange = (page: number): Address => ({ page: page > 1 ? String(page) : undefined });

export function sortChange({ sortingColumn, isDescending }: TableProps.SortingState<unknown>): Address {
  const column = sortingColumn.sortingField?.replace(/^__/, "");
  return { sort: column ? `${isDescending ? "-" : ""}${column}` : undefined, page: undefined };
}
