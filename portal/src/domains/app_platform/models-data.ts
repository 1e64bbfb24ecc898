import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../../api/http";
import type { Model } from "../../api/types";

const EVERY_MINUTE = 60_000;

/** What can be called now, and where; kept fresh while the page is open. */
export function useModels() {
  return useQuery({
    queryKey: ["/api/v3/models"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/models", { signal })),
    refetchInterval: EVERY_MINUTE,
  });
}

/** Every word has to be found in the id, the name, what it says of itself or what it can. */
export function matching(models: Model[], typed: string): Model[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const text = [model.id, model.name, model.description, ...model.capabilities].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
