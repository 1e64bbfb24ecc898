import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { useCollection } from "@cloudscape-design/collection-hooks";
import type { PaginationProps } from "@cloudscape-design/components/pagination";
import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import type { TableProps } from "@cloudscape-design/components/table";
import type { ListState } from "../api/list";
import { EmptyState } from "./EmptyState";
import { filterChange, pageChange, sortChange, viewOf, type Address } from "./list-address";
import type { Column } from "./ListPage";
import { useSearchParams } from "./useSearchParam";

interface Props<T> { list: ListState<T>; columns: Column<T>[]; noun: string; empty: ReactNode; itemKey: (item: T) => string }

/** Filter, order and page of a list, held together with the address in both directions. */
export function useListCollection<T>({ list, columns, noun, empty, itemKey }: Props<T>, pageSize: number) {
  const [address, store] = useSearchParams();
  const initial = useMemo(() => viewOf(address), []); // eslint-disable-line react-hooks/exhaustive-deps
  const rows = useMemo(() => list.items.map((item) => rowOf(item, columns)), [list.items, columns]);
  const result = useCollection(rows, {
    propertyFiltering: {
      filteringProperties: filterProperties(columns),
      defaultQuery: initial.filter,
      empty: list.error ? <EmptyState title={`${capital(noun)} could not be loaded`}>The reason is above this table.</EmptyState> : empty,
      noMatch: (
        <EmptyState title="Nothing matches" action={{ text: "Clear the filter", onClick: () => clear() }}>
          There are {noun}, but none that this filter lets through.
        </EmptyState>
      ),
    },
    sorting: { defaultState: sortingOf(initial.sort, columns) as never },
    selection: { keepSelection: true, trackBy: itemKey }, pagination: { pageSize, defaultPage: initial.page },
  });
  const { setPropertyFiltering, setSorting, setCurrentPage } = result.actions;
  // The address may also change by a link to this very page, or by going back; what was stored here is shown already.
  const shown = useRef(keyOf(address));
  useEffect(() => {
    if (keyOf(address) === shown.current) return;
    shown.current = keyOf(address);
    const view = viewOf(address);
    setPropertyFiltering(view.filter as never);
    setSorting(sortingOf(view.sort, columns) as never);
    setCurrentPage(view.page);
  }, [keyOf(address)]); // eslint-disable-line react-hooks/exhaustive-deps
  const keep = (change: Address) => { shown.current = keyOf({ ...address, ...change }); store(change); };
  const filterBy = (query: PropertyFilterProps.Query) => { setPropertyFiltering(query as never); keep(filterChange(query)); };
  const clear = () => filterBy({ tokens: [], operation: "and" });

  return {
    ...result,
    propertyFilterProps: { ...result.propertyFilterProps, onChange: ({ detail }: { detail: PropertyFilterProps.Query }) => filterBy(detail) },
    collectionProps: {
      ...result.collectionProps,
      onSortingChange: ({ detail }: { detail: TableProps.SortingState<T> }) => { setSorting(detail as never); keep(sortChange(detail as never)); },
    },
    paginationProps: {
      ...result.paginationProps,
      onChange: ({ detail }: { detail: PaginationProps.ChangeDetail }) => { setCurrentPage(detail.currentPageIndex); keep(pageChange(detail.currentPageIndex)); },
    },
  };
}

const keyOf = ({ filter = "", sort = "", page = "" }: Address) => `${filter} ${sort} ${page}`;

// Rows carry the compared values under the column's id, which is what collection-hooks filters and sorts by.
function rowOf<T>(item: T, columns: Column<T>[]): T {
  const values = columns.filter((column) => column.value).map((column) => [`__${column.id}`, column.value?.(item)]);
  return Object.assign(Object.create(null), item, Object.fromEntries(values)) as T;
}

function filterProperties<T>(columns: Column<T>[]): PropertyFilterProps.FilteringProperty[] {
  return columns.filter((column) => column.value).map((column) => ({
    key: `__${column.id}`, propertyLabel: column.header, groupValuesLabel: `${column.header} values`, operators: ["=", "!=", ":", "!:"],
  }));
}

/** A column that cannot be sorted by, or is none of this list, is left out: the address may be old or mistyped. */
function sortingOf<T>(sort: { column: string; descending: boolean } | null, columns: Column<T>[]) {
  const column = columns.find(({ id, value }) => id === sort?.column && value);
  return column && sort ? { sortingColumn: { sortingField: `__${column.id}` }, isDescending: sort.descending } : undefined;
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
