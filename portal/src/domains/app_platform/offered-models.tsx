import { useState } from "react";
import { useSession } from "../../api/client";
import type { OfferedModel, Upstream } from "../../api/types";
import { BulkDialog } from "../../ui/BulkDialog";
import { canAny, CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { Cost } from "../../ui/Cost";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { StateBadge } from "../../ui/StateBadge";
import { useOpenForm } from "../../ui/useOpenForm";
import { canEditModel, canOffer, canOfferAgain, canWithdraw } from "./can";
import { useOfferedModels, useSetModelState, useUpstreams } from "./inference-data";
import { EditModel, OfferModel } from "./model-form";

const columnsOf = (upstreams: Upstream[]): Column<OfferedModel>[] => [
  { id: "name", header: "Name", isRowHeader: true, value: (model) => model.name, cell: (model) => model.name, minWidth: 150 },
  { id: "state", header: "State", value: (model) => model.state, cell: (model) => <StateBadge state={model.state} />, minWidth: 120 },
  { id: "id", header: "Id", value: (model) => model.id, cell: (model) => <CopyId id={model.id} label="model id" />, minWidth: 170 },
  { id: "in", header: "In, per million", value: (model) => Number(model.prices?.input.amount ?? -1), cell: (model) => <Cost value={model.prices?.input} />, minWidth: 120 },
  { id: "out", header: "Out, per million", value: (model) => Number(model.prices?.output.amount ?? -1), cell: (model) => <Cost value={model.prices?.output} />, minWidth: 125 },
  { id: "routes", header: "Served by", cell: (model) => <Routes model={model} upstreams={upstreams} />, minWidth: 200 },
  { id: "can", header: "Can", value: (model) => model.capabilities.join(" "), cell: (model) => model.capabilities.join(", ") },
  { id: "context", header: "Context", value: (model) => model.context_tokens, cell: (model) => model.context_tokens.toLocaleString("en") },
  { id: "region", header: "Region", value: (model) => model.region_id, cell: (model) => model.region_id },
];

type Dialog = { kind: "edit"; model: OfferedModel } | { kind: "withdraw" | "again"; models: OfferedModel[] };

export function Page() {
  const session = useSession();
  const upstreams = useUpstreams().items;
  const [offering, setOffering] = useOpenForm();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const may = canOffer(session);
  const close = () => setDialog(null);
  return (
    <>
      <ListPage<OfferedModel>
        title="Models" noun="models" description="What tenants call at the gateways, and pay for by the token. Prices for a million tokens."
        list={useOfferedModels()} columns={columnsOf(upstreams)} itemKey={(model) => model.id} itemLabel={(model) => model.name} selectable
        empty={<EmptyState title="No model yet" action={upstreams.length > 0 ? { text: "Offer a model", onClick: () => setOffering(true) } : { text: "Add an upstream", href: "/admin/upstreams?new=1" }}>A model is served by an upstream: name the server first, then offer what it serves.</EmptyState>}
        actions={(selected) => (
          <>
            <CanButton can={canEditModel(selected, session)} onClick={() => selected[0] && setDialog({ kind: "edit", model: selected[0] })}>Edit</CanButton>
            <CanButton can={may.yes ? canAny(selected, canOfferAgain, "model") : may} onClick={() => setDialog({ kind: "again", models: selected })}>Offer again</CanButton>
            <CanButton can={may.yes ? canAny(selected, canWithdraw, "model") : may} onClick={() => setDialog({ kind: "withdraw", models: selected })}>Withdraw</CanButton>
            <CanButton can={may} variant="primary" onClick={() => setOffering(true)}>Offer a model</CanButton>
          </>
        )}
      />
      {offering && <OfferModel upstreams={upstreams} onClose={() => setOffering(false)} />}
      {dialog?.kind === "edit" && <EditModel model={dialog.model} upstreams={upstreams} onClose={close} />}
      {dialog?.kind === "withdraw" && <Withdraw models={dialog.models} onClose={close} />}
      {dialog?.kind === "again" && <OfferAgain models={dialog.models} onClose={close} />}
    </>
  );
}

/** In the order in which they are tried. */
function Routes({ model, upstreams }: { model: OfferedModel; upstreams: Upstream[] }) {
  if (model.routes.length === 0) return <>Nothing: calls are refused</>;
  return (
    <>
      {model.routes.map(({ upstream_id, upstream_model }) => (
        <div key={upstream_id}>{upstreams.find(({ id }) => id === upstream_id)?.name ?? upstream_id} as <code>{upstream_model}</code></div>
      ))}
    </>
  );
}

function Withdraw({ models, onClose }: { models: OfferedModel[]; onClose: () => void }) {
  const withdraw = useSetModelState("withdrawn");
  const [they, their] = models.length > 1 ? ["They are", "their"] : ["It is", "its"];
  return (
    <BulkDialog action="Withdraw" noun="model" done="withdrawn" items={models} can={canWithdraw} act={(model) => withdraw.mutateAsync(model)} onClose={onClose}>
      {they} gone from the catalogue at once, and gateways refuse calls within seconds. What was used stays on the bill; {their} prices stay. You can offer {models.length > 1 ? "them" : "it"} again.
    </BulkDialog>
  );
}

function OfferAgain({ models, onClose }: { models: OfferedModel[]; onClose: () => void }) {
  const offer = useSetModelState("offered");
  return (
    <BulkDialog action="Offer" noun="model" done="offered" harmless items={models} can={canOfferAgain} act={(model) => offer.mutateAsync(model)} onClose={onClose}>
      Gateways take calls within seconds, at the prices that are in force.
    </BulkDialog>
  );
}
