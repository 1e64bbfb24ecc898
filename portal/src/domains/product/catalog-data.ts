import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../../api/http";
import type { CatalogItem, List } from "../../api/types";

const EVERY_15_SECONDS = 15_000;

/** What can be bought now, with price and availability; kept fresh while the page is open. */
export function useCatalog() {
  return useQuery({
    queryKey: ["/api/v3/catalog"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/catalog", { signal })) as Promise<unknown> as Promise<List<CatalogItem>>,
    select: (list) => inOrder(list.items),
    refetchInterval: EVERY_15_SECONDS,
  });
}

/** Machines before simulations, what is free before what is not, then the cheapest first. */
export function inOrder(items: CatalogItem[]): CatalogItem[] {
  const rank = (item: CatalogItem) => Number(item.simulated) * 2 + Number(item.available <= 0);
  return [...items].sort((a, b) => rank(a) - rank(b) || Number(a.price.amount) - Number(b.price.amount) || a.sku.localeCompare(b.sku));
}

export function useRegions() {
  return useQuery({
    queryKey: ["/api/v3/regions"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/regions", { signal })),
    select: (list) => list.items,
  });
}

export function resourcesText({ resources }: CatalogItem): string {
  const gpus = resources.gpus > 0 ? `${resources.gpus} GPU${resources.gpus > 1 ? "s" : ""}, ` : "";
  return `${gpus}${resources.vcpus} vCPU, ${resources.memory_gb.toFixed(1).replace(/\.0$/, "")} GB memory`;
}

/** Whether it can be launched, in a sentence that a person can act on. */
export function availabilityText(item: CatalogItem): string {
  if (item.available > 0) return `${item.available} of ${item.capacity} free`;
  return item.unavailable_reason ?? (item.capacity > 0 ? `All ${item.capacity} are in use` : "No node offers this yet");
}
