import { useEffect, type ReactNode } from "react";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { CatalogItem, Quota, Session } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { isLess, times } from "../../ui/money";
import { QuotaGauge } from "../../ui/QuotaGauge";
import { useQuote, useWallet } from "../billing/quote";
import { useQuotas } from "../iam/data";
import { availabilityText } from "../product/catalog-data";
import type { LaunchForm } from "./launch-form";
import { takes } from "./launch-takes";

interface Props { form: LaunchForm; item: CatalogItem | undefined; session: Session; kept: ReactNode | null }

/** Price, quota and capacity beside every step, so that nobody is surprised after pressing the button. */
export function LaunchPanel({ form, item, session, kept }: Props) {
  return (
    <Container header={<Header variant="h2">Price, quota, capacity</Header>} footer={kept}>
      <SpaceBetween size="m">
        {item ? <PriceFacts item={item} session={session} /> : <Box color="text-body-secondary">Choose hardware to see its price.</Box>}
        {item && <CapacityGauge item={item} />}
        {session.authenticated && <QuotaGauges form={form} item={item} />}
        <Box color="text-body-secondary" fontSize="body-s">
          {session.authenticated
            ? "You can release it at any time. Billing stops in that second."
            : "Your choices are kept while you sign in. You launch after that, with one more press."}
        </Box>
      </SpaceBetween>
    </Container>
  );
}

const HOURS_A_DAY = 24;
const HOURS_IN_30_DAYS = 720;

function PriceFacts({ item, session }: { item: CatalogItem; session: Session }) {
  const quote = useQuote();
  const { data: wallet } = useWallet(session.authenticated);
  const { mutate } = quote;
  useEffect(() => mutate({ sku: item.sku, region_id: item.region_id, count: 1, hours: 1 }), [mutate, item.sku, item.region_id]);
  const hold = quote.data?.hold;
  const tooLittle = hold && wallet && wallet.available.currency === hold.currency && isLess(wallet.available, hold);
  const during = (hours: number) => ({ amount: times(item.price.amount, hours), currency: item.price.currency });
  return (
    <div className="facts">
      <div><div className="big-number"><Cost value={item.price} /></div><Box color="text-body-secondary">per hour, billed by the second</Box></div>
      <Fact label="A day"><Cost value={during(HOURS_A_DAY)} /></Fact>
      <Fact label="30 days"><Cost value={during(HOURS_IN_30_DAYS)} /></Fact>
      <Fact label="Held while it runs">{hold ? <Cost value={hold} /> : "…"}</Fact>
      {wallet && <Fact label="Your credit available"><Cost value={wallet.available} /></Fact>}
      {tooLittle && <StatusIndicator type="warning">Your credit is less than the hold, so the launch would be refused.</StatusIndicator>}
    </div>
  );
}

const Fact = ({ label, children }: { label: string; children: React.ReactNode }) => (
  <div className="fact-row"><span>{label}</span><strong>{children}</strong></div>
);

function CapacityGauge({ item }: { item: CatalogItem }) {
  const inUse = item.capacity > 0 ? (100 * (item.capacity - item.available)) / item.capacity : 100;
  return <ProgressBar value={inUse} label={`Capacity in ${item.region_id}`} additionalInfo={availabilityText(item)} />;
}

// What a launch takes first; what it leaves alone is not shown.
const SHOWN = ["allocations", "vcpus", "volumes", "volume_gb"];

function QuotaGauges({ form, item }: Pick<Props, "form" | "item">) {
  const { data: quotas = [] } = useQuotas();
  const taken = takes(form, item);
  const own = quotas.filter((quota) => quota.project_id === form.project && quota.limit > 0 && taken[quota.resource] !== undefined);
  const inShownOrder = (a: Quota, b: Quota) => SHOWN.indexOf(a.resource) - SHOWN.indexOf(b.resource);
  return <SpaceBetween size="m">{own.sort(inShownOrder).map((quota) => <QuotaGauge key={quota.resource} quota={quota} adds={taken[quota.resource]} />)}</SpaceBetween>;
}
