import type { QueryClient } from "@tanstack/react-query";
import type { CatalogItem, List } from "../api/types";

interface LiveData { catalog?: CatalogItem[] }

/** The API puts the catalogue of this moment into the page, so that the first picture already has prices. */
export function readLiveData(client: QueryClient) {
  const element = document.getElementById("live-data");
  if (!element?.textContent) return;
  const live = JSON.parse(element.textContent) as LiveData;
  if (live.catalog) client.setQueryData<List<CatalogItem>>(["/api/v3/catalog"], { items: live.catalog });
}
