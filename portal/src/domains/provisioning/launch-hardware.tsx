import { useEffect, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Tiles from "@cloudscape-design/components/tiles";
import { fieldError } from "../../api/problem";
import type { CatalogItem, Session } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { EmptyState } from "../../ui/EmptyState";
import { IsolationLabel } from "../../ui/IsolationLabel";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { useQuotas, useTenantQuotas } from "../iam/data";
import { availabilityText, resourcesText } from "../product/catalog-data";
import { useOffers } from "./data";
import type { SectionProps } from "./launch";
import type { LaunchForm } from "./launch-form";
import { overQuota, takes } from "./launch-takes";

interface Props extends SectionProps { catalog: UseQueryResult<CatalogItem[]>; session: Session }
const idOf = (item: CatalogItem) => `${item.sku}@${item.region_id}`;

export const chosenOf = (items: CatalogItem[], form: LaunchForm) =>
  items.find((item) => item.sku === form.sku && (!form.region || item.region_id === form.region));

/** The first that is free is chosen until somebody chooses, so that a launch needs no choice of hardware. */
export function useDefaultHardware(items: CatalogItem[], form: LaunchForm, set: SectionProps["set"]) {
  useEffect(() => {
    const first = items[0];
    const chosen = chosenOf(items, form);
    if (!form.sku && first) set({ sku: first.sku, region: first.region_id });
    else if (chosen && !form.region) set({ region: chosen.region_id });
  }, [items.length, form.sku, form.region]); // eslint-disable-line react-hooks/exhaustive-deps
}

export function HardwareSection({ form, set, wrong, problem, catalog, session }: Props) {
  const items = catalog.data ?? [];
  const chosen = chosenOf(items, form);
  const error = wrong.sku ?? fieldError(problem, "sku", "region_id");
  const simulated = items.filter((item) => item.simulated);
  const group = { form, set, chosen, session };
  return (
    <Container header={<Header variant="h2" description="Prices and free capacity of this moment.">What to launch</Header>}>
      <SpaceBetween size="m">
        <ProblemAlert error={catalog.error} doing="The catalogue could not be loaded" onRetry={() => void catalog.refetch()} />
        {catalog.isPending && <Spinner />}
        {catalog.isSuccess && items.length === 0 && (
          <EmptyState title="Nothing is on sale yet">As soon as a node is enrolled, its hardware and price appear here.</EmptyState>
        )}
        <Choice {...group} label="Machines" items={items.filter((item) => !item.simulated)} error={error} />
        <Simulated items={simulated} open={Boolean(chosen?.simulated) || simulated.length === items.length}>
          <Choice {...group} label="Simulated hardware" items={simulated} error={simulated.length === items.length ? error : undefined} />
        </Simulated>
        {chosen && <div>Tenants are kept apart here by: <IsolationLabel isolation={chosen.isolation} /></div>}
        {chosen && chosen.available <= 0 && <Alternatives item={chosen} />}
        <PricingMode problem={problem} />
      </SpaceBetween>
    </Container>
  );
}

/** Behind one press, so that what is real stays in sight. It opens by itself where the choice is in there. */
function Simulated({ items, open, children }: { items: CatalogItem[]; open: boolean; children: ReactNode }) {
  if (items.length === 0) return null;
  return (
    <ExpandableSection
      key={String(open)} defaultExpanded={open} headerText={`Simulated hardware (${items.length})`}
      headerDescription="To try things out: it starts, is metered and billed like the real thing, but no hardware is behind it."
    >
      {children}
    </ExpandableSection>
  );
}

interface ChoiceProps {
  form: LaunchForm; set: SectionProps["set"]; chosen: CatalogItem | undefined; session: Session;
  label: string; items: CatalogItem[]; error: string | undefined;
}

function Choice({ form, set, chosen, session, label, items, error }: ChoiceProps) {
  const { data: quotas = [] } = useQuotas(session.authenticated);
  const { data: together = [] } = useTenantQuotas(session.authenticated);
  if (items.length === 0) return null;
  const tile = (item: CatalogItem) => {
    const tooMuch = overQuota(takes(form, item), quotas.filter((quota) => quota.project_id === form.project), together);
    const nowhere = item.capacity === 0;
    return { value: idOf(item), label: item.name, disabled: nowhere || tooMuch !== undefined, description: <TileFacts item={item} tooMuch={tooMuch} /> };
  };
  return (
    <FormField label={label} stretch errorText={error}>
      <Tiles
        ariaRequired
        value={chosen && items.includes(chosen) ? idOf(chosen) : null}
        onChange={({ detail }) => { const [sku = "", region = ""] = detail.value.split("@"); set({ sku, region }); }}
        items={items.map(tile)}
      />
    </FormField>
  );
}

function TileFacts({ item, tooMuch }: { item: CatalogItem; tooMuch: string | undefined }) {
  const free = item.available > 0;
  return (
    <>
      <span><strong><Cost value={item.price} per="hour" /></strong> · {item.region_id}</span><br />
      <span>{item.silicon.vendor} {item.silicon.model}: {resourcesText(item)}</span><br />
      <span className={free ? "tile-free" : "tile-full"}>{availabilityText(item)}</span>
      {tooMuch && <><br /><span className="tile-over">{tooMuch}</span></>}
    </>
  );
}

/** How it is paid. What is not sold yet is shown with its reason, so that nobody searches for it. */
function PricingMode({ problem }: { problem: unknown }) {
  const later = "Comes with a later release; today everything is on demand.";
  return (
    <FormField label="Pricing mode" errorText={fieldError(problem, "mode")}>
      <RadioGroup
        value="on-demand"
        items={[
          { value: "on-demand", label: "On demand", description: "Runs until you release it, at the price shown." },
          { value: "spot", label: "Spot", description: later, disabled: true },
          { value: "reserved", label: "Reserved", description: later, disabled: true },
        ]}
      />
    </FormField>
  );
}

function Alternatives({ item }: { item: CatalogItem }) {
  const { data: offers = [] } = useOffers(item.sku, true);
  const own = offers.find((offer) => offer.region_id === item.region_id);
  const others = offers.filter((offer) => offer.available > 0).sort((a, b) => a.rank - b.rank);
  return (
    <div>
      <strong>{item.name} cannot start in {item.region_id} now.</strong> {availabilityText(item)}.
      {own?.next_free_at && <> The next one is expected to be free <RelativeTime at={own.next_free_at} />.</>}
      {others.length > 0
        ? <ul>{others.map((offer) => <li key={offer.sku + offer.region_id}>{offer.sku} in {offer.region_id} at <Cost value={offer.price} per="hour" />: {offer.reason}</li>)}</ul>
        : <> You may still launch: the answer then says why it was refused, and nothing is charged.</>}
    </div>
  );
}
