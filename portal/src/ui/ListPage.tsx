import { Children, Fragment, isValidElement, useState, type ReactNode } from "react";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences, { type CollectionPreferencesProps } from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { readChoice, writeChoice } from "../api/client";
import { type ListState } from "../api/list";
import { ProblemAlert } from "./ProblemAlert";
import { usePageTitle } from "./page-name";
import { useListCollection } from "./use-list-collection";

export interface Column<T> {
  id: string; header: string; cell: (item: T) => ReactNode;
  /** What sorting and filtering compare; without it the column can be neither sorted nor filtered. */
  value?: (item: T) => string | number; isRowHeader?: boolean; minWidth?: number;
}
export interface ListPageProps<T> {
  title: string; description?: ReactNode; noun: string; list: ListState<T>; columns: Column<T>[]; itemKey: (item: T) => string;
  empty: ReactNode; actions?: (selected: T[], clear: () => void) => ReactNode; selectable?: boolean; itemLabel?: (item: T) => string;
  above?: ReactNode; variant?: "full-page" | "container"; /** Rows at first, until a reader chooses. */ pageSize?: 20 | 50 | 100;
}

/** Every list looks and works like this: filter, order and page in the address, choose columns, act, load more. */
export function ListPage<T>(props: ListPageProps<T>) {
  const { title, description, list, columns, noun, selectable, variant = "full-page" } = props;
  if (variant === "full-page") usePageTitle(title);
  const [preferences, setPreferences] = useTablePreferences(title, props.pageSize ?? 20);
  const { items, collectionProps, propertyFilterProps, paginationProps, filteredItemsCount, actions: collection } =
    useListCollection(props, preferences.pageSize ?? 20);
  const selected = stillThere((collectionProps.selectedItems ?? []) as T[], list.items, props.itemKey);
  const counter = list.isPending ? undefined : `(${list.items.length}${list.hasMore ? "+" : ""})`;
  return (
    <div>
      <div className="list-above">{props.above}</div>
      <div className="list-above"><ProblemAlert error={list.error} onRetry={list.refresh} /></div>
      <Table<T>
        {...collectionProps}
        selectedItems={selected}
        variant={variant}
        stickyHeader={variant === "full-page"}
        items={items as T[]}
        columnDefinitions={columns.map((column) => definitionOf(column))}
        columnDisplay={preferences.contentDisplay}
        contentDensity={preferences.contentDensity}
        wrapLines={preferences.wrapLines}
        trackBy={props.itemKey}
        loading={list.isPending && !list.error}
        loadingText={`Loading ${noun}`}
        enableKeyboardNavigation
        selectionType={selectable ? "multi" : undefined}
        ariaLabels={{
          tableLabel: title, selectionGroupLabel: `Select ${noun}`, allItemsSelectionLabel: () => `Select all ${noun}`,
          itemSelectionLabel: (_, item) => `Select ${props.itemLabel?.(item) ?? props.itemKey(item)}`,
        }}
        header={
          <Header
            variant={variant === "full-page" ? "awsui-h1-sticky" : "h2"} counter={counter} description={description}
            actions={<SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={`Refresh ${noun}`} onClick={list.refresh} />
              {flat(props.actions?.(selected, () => collection.setSelectedItems([])))}
            </SpaceBetween>}
          >
            {title}
          </Header>
        }
        filter={
          <PropertyFilter
            {...propertyFilterProps}
            filteringAriaLabel={`Filter ${noun}`}
            filteringPlaceholder={`Filter ${noun}`}
            countText={`${filteredItemsCount ?? 0} match`}
            expandToViewport
          />
        }
        pagination={<Pagination {...paginationProps} />}
        preferences={<ListPreferences columns={columns} value={preferences} onChange={setPreferences} />}
        footer={list.hasMore && <Button onClick={list.loadMore}>Load more {noun}</Button>}
      />
    </div>
  );
}

/** What was selected as it is now: without what has gone since, so that nothing is done to it. */
function stillThere<T>(selected: T[], items: T[], itemKey: (item: T) => string): T[] {
  const now = new Map(items.map((item) => [itemKey(item), item]));
  return selected.flatMap((item) => now.get(itemKey(item)) ?? []);
}

function definitionOf<T>(column: Column<T>): TableProps.ColumnDefinition<T> {
  return {
    id: column.id, header: column.header, cell: column.cell, isRowHeader: column.isRowHeader, minWidth: column.minWidth ?? 110,
    sortingField: column.value ? `__${column.id}` : undefined,
  };
}

function ListPreferences<T>({ columns, value, onChange }: {
  columns: Column<T>[]; value: CollectionPreferencesProps.Preferences; onChange: (value: CollectionPreferencesProps.Preferences) => void;
}) {
  return (
    <CollectionPreferences
      preferences={value}
      onConfirm={({ detail }) => onChange(detail)}
      pageSizePreference={{ options: [20, 50, 100].map((size) => ({ value: size, label: `${size} rows` })) }}
      wrapLinesPreference={{}}
      contentDensityPreference={{}}
      contentDisplayPreference={{
        options: columns.map(({ id, header, isRowHeader }) => ({ id, label: header, alwaysVisible: isRowHeader })),
      }}
    />
  );
}

function useTablePreferences(title: string, pageSize: number) {
  const name = `aifactory.table.${title}`;
  const [value, setValue] = useState<CollectionPreferencesProps.Preferences>(() => {
    const stored = readChoice(name);
    return stored ? (JSON.parse(stored) as CollectionPreferencesProps.Preferences) : { pageSize, contentDensity: "comfortable" };
  });
  const set = (next: CollectionPreferencesProps.Preferences) => { setValue(next); writeChoice(name, JSON.stringify(next)); };
  return [value, set] as const;
}

/** The children of a fragment one by one, so that the space between them is kept. */
function flat(actions: ReactNode): ReactNode {
  const isFragment = isValidElement<{ children?: ReactNode }>(actions) && actions.type === Fragment;
  return isFragment ? Children.toArray(actions.props.children) : actions;
}
