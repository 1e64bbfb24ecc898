import { useState, type FormEvent } from "react";
import { Cost } from "../../ui/Cost";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { RelativeTime } from "../../ui/RelativeTime";
import { usePageTitle } from "../../ui/page-name";
import { CatalogCards } from "../product/CatalogCards";
import { availabilityText, useCatalog } from "../product/catalog-data";
import { useQuote } from "./quote";

export function Page() {
  usePageTitle("Pricing");
  return (
    <div className="public-width public-page">
      <h1>Pricing</h1>
      <p className="lead">You pay from the second your access is verified until the second you ask for release. Starting, stopping and cleaning are free.</p>
      {import.meta.env.SSR ? <CatalogCards /> : <><PriceList /><QuoteCalculator /></>}
      <section className="public-section" aria-labelledby="rules">
        <h2 id="rules">How an amount is worked out</h2>
        <ul className="rules">
          <li>Seconds × price per hour ÷ 3,600, exact to nine decimals, rounded once per line of the bill.</li>
          <li>A price change counts from its own second: the bill shows one line for each price.</li>
          <li>While you run, one hour ahead is held on your credit. What is not used goes back when you release.</li>
          <li>Volumes are included at no charge for now.</li>
        </ul>
      </section>
    </div>
  );
}

function PriceList() {
  const { data: items = [], isPending, error } = useCatalog();
  if (error) return <ProblemAlert error={error} />;
  return (
    <div className="table-scroll" role="region" aria-label="Price list" tabIndex={0}>
      <table className="plain-table">
        <thead><tr><th scope="col">Product</th><th scope="col">SKU</th><th scope="col">Region</th><th scope="col">Price per hour</th><th scope="col">Next price</th><th scope="col">Free now</th></tr></thead>
        <tbody>
          {items.map((item) => (
            <tr key={`${item.sku}@${item.region_id}`}>
              <th scope="row">{item.name}</th><td><code>{item.sku}</code></td><td>{item.region_id}</td><td><Cost value={item.price} /></td>
              <td>{item.next_price ? <><Cost value={item.next_price} /> from {item.next_price.effective_at.slice(0, 10)}</> : "No change planned"}</td>
              <td>{availabilityText(item)}</td>
            </tr>
          ))}
          {!isPending && items.length === 0 && <tr><td colSpan={6}>Nothing is on sale yet.</td></tr>}
        </tbody>
      </table>
    </div>
  );
}

function QuoteCalculator() {
  const { data: items = [] } = useCatalog();
  const [chosen, setChosen] = useState("");
  const [count, setCount] = useState("1");
  const [hours, setHours] = useState("8");
  const quote = useQuote();
  const item = items.find((candidate) => `${candidate.sku}@${candidate.region_id}` === chosen) ?? items[0];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (item) quote.mutate({ sku: item.sku, region_id: item.region_id, count: Number(count), hours: Number(hours) });
  };
  return (
    <section className="public-section" aria-labelledby="calculator">
      <h2 id="calculator">Work out a price</h2>
      <form className="quote-form" onSubmit={submit}>
        <label>Product
          <select value={chosen || (item ? `${item.sku}@${item.region_id}` : "")} onChange={(event) => setChosen(event.target.value)}>
            {items.map((each) => <option key={`${each.sku}@${each.region_id}`} value={`${each.sku}@${each.region_id}`}>{each.name} in {each.region_id}</option>)}
          </select>
        </label>
        <label>How many<input type="number" min={1} max={64} required value={count} onChange={(event) => setCount(event.target.value)} /></label>
        <label>Hours<input type="number" min={1} max={8760} required value={hours} onChange={(event) => setHours(event.target.value)} /></label>
        <button type="submit" className="cta" disabled={quote.isPending || !item}>{quote.isPending ? "Asking…" : "Get a quote"}</button>
      </form>
      <div aria-live="polite">
        <ProblemAlert error={quote.error} doing="No quote" />
        {quote.data && (
          <p className="quote-result">
            <strong><Cost value={quote.data.total} /></strong> for {quote.data.count} × {Number(quote.data.hours)} h at <Cost value={quote.data.unit_price} per="hour" />.
            {" "}Held at launch: <Cost value={quote.data.hold} />. This quote is good until <RelativeTime at={quote.data.valid_until} />.
            {" "}<a className="cta" href={`/launch?${new URLSearchParams({ sku: quote.data.sku, region: quote.data.region_id, quote: quote.data.id })}`}>Launch with this price</a>
          </p>
        )}
      </div>
    </section>
  );
}
