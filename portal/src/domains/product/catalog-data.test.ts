import { expect, it } from "vitest";
import type { CatalogItem } from "../../api/types";
import { inOrder } from "./catalog-data";

const item = (sku: string, more: object = {}) => ({ sku, simulated: false, available: 1, price: { amount: "1", currency: "EUR" }, ...more }) as unknown as CatalogItem;

it("shows machines before simulations, free ones first, cheap ones first", () => {
  const items = [
    item("sim", { simulated: true }), item("full", { available: 0 }), item("dear", { price: { amount: "10", currency: "EUR" } }), item("cheap", { price: { amount: "2", currency: "EUR" } }),
  ];
  expect(inOrder(items).map(({ sku }) => sku)).toEqual(["cheap", "dear", "full", "sim"]);
});
