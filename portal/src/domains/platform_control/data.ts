import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient } from "../../api/client";
import { useList } from "../../api/list";
import { answer, api, keyed } from "../../api/http";
import type { DeadLetter, Delivery, NewWebhook, Webhook } from "../../api/types";

const WEBHOOKS = "/api/v3/webhooks";
const PREFERENCES = "/api/v3/notification-preferences";
const DEAD_LETTERS = "/api/v3/admin/dead-letters";
const WHILE_WAITING_MS = 2_000;
const WHILE_OPEN_MS = 5_000;
const again = (key: string) => () => queryClient.invalidateQueries({ queryKey: [key] });

const EVERY_10_SECONDS = 10_000;
const EVERY_30_SECONDS = 30_000;

export function useHealth() {
  return useQuery({ queryKey: ["/api/v3/admin/health"], refetchInterval: EVERY_10_SECONDS, queryFn: ({ signal }) => answer(api.GET("/api/v3/admin/health", { signal })) });
}

export function useSlos() {
  return useQuery({ queryKey: ["/api/v3/slos"], refetchInterval: EVERY_30_SECONDS, queryFn: ({ signal }) => answer(api.GET("/api/v3/slos", { signal })) });
}

export const useDeadLetters = () => useList<DeadLetter>(DEAD_LETTERS);

export const useWebhooks = () => useList<Webhook>(WEBHOOKS);

export function useWebhook(id: string) {
  return useQuery({
    queryKey: [WEBHOOKS, id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/webhooks/{webhook_id}", { params: { path: { webhook_id: id } }, signal })) as Promise<unknown> as Promise<Webhook>,
    refetchInterval: WHILE_OPEN_MS,
  });
}

export function useEventTypes() {
  return useQuery({ queryKey: [WEBHOOKS, "event-types"], queryFn: ({ signal }) => answer(api.GET("/api/v3/webhooks/event-types", { signal })), select: (list) => list.items });
}

export function useDeliveries(id: string) {
  return useQuery({
    queryKey: [WEBHOOKS, id, "deliveries"],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/webhooks/{webhook_id}/deliveries", { params: { path: { webhook_id: id }, query: { limit: 100 } }, signal })),
    select: (list) => list.items as Delivery[],
    refetchInterval: (state) => (state.state.data?.items.some((delivery) => delivery.state === "waiting") ? WHILE_WAITING_MS : false),
  });
}

export function useDelivery(id: string, deliveryId: string) {
  return useQuery({
    queryKey: [WEBHOOKS, id, "deliveries", deliveryId],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/webhooks/{webhook_id}/deliveries/{delivery_id}", { params: { path: { webhook_id: id, delivery_id: deliveryId } }, signal })),
  });
}

export function useCreateWebhook() {
  return useMutation({
    mutationFn: (body: { name: string; url: string; event_types: string[] }) => answer(api.POST("/api/v3/webhooks", { params: keyed, body })) as Promise<NewWebhook>,
    onSuccess: again(WEBHOOKS),
  });
}

export function useDeleteWebhook() {
  return useMutation({
    mutationFn: (id: string) => answer<unknown>(api.DELETE("/api/v3/webhooks/{webhook_id}", { params: { ...keyed, path: { webhook_id: id } } })),
    onSuccess: again(WEBHOOKS),
  });
}

export function useTestWebhook(id: string) {
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v3/webhooks/{webhook_id}/test", { params: { ...keyed, path: { webhook_id: id } } })),
    onSuccess: again(WEBHOOKS),
  });
}

export function useReplayDelivery(id: string) {
  return useMutation({
    mutationFn: (deliveryId: string) => answer(api.POST("/api/v3/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { params: { ...keyed, path: { webhook_id: id, delivery_id: deliveryId } } })),
    onSuccess: again(WEBHOOKS),
  });
}

export function usePreferences() {
  return useQuery({ queryKey: [PREFERENCES], queryFn: ({ signal }) => answer(api.GET(PREFERENCES, { signal })) });
}

export function useSetPreference() {
  return useMutation({
    mutationFn: ({ kind, recipients }: { kind: string; recipients: string[] }) =>
      answer(api.PUT("/api/v3/notification-preferences/{kind}", { params: { ...keyed, path: { kind } }, body: { recipients } })),
    onSuccess: (all) => queryClient.setQueryData([PREFERENCES], all),
  });
}

export function useDeadLetter(id: string) {
  return useQuery({
    queryKey: [DEAD_LETTERS, id],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/admin/dead-letters/{dead_letter_id}", { params: { path: { dead_letter_id: id } }, signal })),
  });
}

export function useReplayDeadLetter() {
  return useMutation({
    mutationFn: (id: string) => answer(api.POST("/api/v3/admin/dead-letters/{dead_letter_id}/replay", { params: { ...keyed, path: { dead_letter_id: id } } })),
    onSettled: again(DEAD_LETTERS),
  });
}

export function useReplayKind() {
  return useMutation({
    mutationFn: (kind: { consumer: string; event_type: string }) => answer(api.POST("/api/v3/admin/dead-letters/replay", { params: keyed, body: kind })),
    onSettled: again(DEAD_LETTERS),
  });
}

export function useRevoke() {
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) =>
      answer(api.POST("/api/v3/admin/certificates/{certificate_id}/revoke", { params: { ...keyed, path: { certificate_id: id } }, body: { reason } })),
    onSuccess: again("/api/v3/admin/certificates"),
  });
}
