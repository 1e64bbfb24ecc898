import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { queryClient } from "../../api/client";
import { useList } from "../../api/list";
import { answer, api, keyed } from "../../api/http";
import { fieldError } from "../../api/problem";
import type { Price } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";

const columns: Column<Price>[] = [
  { id: "sku", header: "SKU", isRowHeader: true, value: (price) => price.sku, cell: (price) => <code>{price.sku}</code>, minWidth: 160 },
  { id: "region", header: "Region", value: (price) => price.region_id, cell: (price) => price.region_id },
  { id: "price", header: "Price", value: (price) => price.amount, cell: (price) => <Cost value={price.price} />, minWidth: 140 },
  { id: "effective", header: "Takes effect", value: (price) => price.effective_at, cell: (price) => <RelativeTime at={price.effective_at} />, minWidth: 130 },
  { id: "scheduled", header: "Status", value: (price) => (price.scheduled ? "Planned" : "In effect or past"), cell: (price) => (price.scheduled ? "Planned" : "In effect or past"), minWidth: 140 },
  { id: "reason", header: "Reason", value: (price) => price.reason, cell: (price) => price.reason || "–", minWidth: 200 },
  { id: "by", header: "Set by", value: (price) => price.created_by, cell: (price) => price.created_by },
];

export function Page() {
  const [changing, setChanging] = useOpenForm();
  return (
    <>
      <ListPage<Price>
        title="Prices" noun="prices" description="Prices are never edited: a new one takes over at its moment, and bills split there. For an hour, a GB month or a million tokens, as the SKU is sold."
        list={useList<Price>("/api/v3/admin/prices")} columns={columns} itemKey={(price) => price.id}
        empty={<EmptyState title="No price yet">Without a price nothing is on sale.</EmptyState>}
        actions={() => <Button variant="primary" onClick={() => setChanging(true)}>Set a price</Button>}
      />
      {changing && <SetPrice onClose={() => setChanging(false)} />}
    </>
  );
}

const EMPTY = { sku: "", region_id: "local", amount: "", currency: "EUR", reason: "", effective_at: "" };

function SetPrice({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState(EMPTY);
  const create = useMutation({
    mutationFn: (body: typeof EMPTY) =>
      answer(api.POST("/api/v3/admin/prices", { params: keyed, body: { ...body, effective_at: body.effective_at || null } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["/api/v3/admin/prices"] }),
  });
  const field = (name: keyof typeof EMPTY, label: string, hint?: string) => (
    <FormField label={label} constraintText={hint} errorText={fieldError(create.error, name)}>
      <Input value={form[name]} onChange={({ detail }) => setForm({ ...form, [name]: detail.value })} spellcheck={false} />
    </FormField>
  );
  return (
    <CreateDialog title="Set a price" mutation={create} body={form} made={(price) => `The price of ${price.sku} is set`} onClose={onClose}>
      {field("sku", "SKU")}
      {field("region_id", "Region")}
      {field("amount", "Price", "For an hour, a GB month or a million tokens, as the SKU is sold. A decimal number, for example 0.12")}
      {field("currency", "Currency")}
      {field("effective_at", "Takes effect", "Empty means now. Otherwise a UTC time such as 2026-12-01T00:00:00Z.")}
      {field("reason", "Reason", "It is kept in the audit log.")}
    </CreateDialog>
  );
}
