import { useMutation, useQuery } from "@tanstack/react-query";
import { answer, api } from "../../api/http";

export interface QuoteRequest { sku: string; region_id: string; count: number; hours: number }

export function useQuote() {
  return useMutation({ mutationFn: (request: QuoteRequest) => answer(api.POST("/api/v3/quotes", { body: request })) });
}

export function useWallet(enabled: boolean) {
  return useQuery({ queryKey: ["/api/v3/wallet"], queryFn: ({ signal }) => answer(api.GET("/api/v3/wallet", { signal })), enabled });
}

export function useStatement(month: string) {
  return useQuery({
    queryKey: ["/api/v3/statement", month],
    queryFn: ({ signal }) => answer(api.GET("/api/v3/statement", { params: { query: { month, limit: 200 } }, signal })),
  });
}
