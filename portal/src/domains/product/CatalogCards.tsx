import type { CatalogItem } from "../../api/types";
import { Cost } from "../../ui/Cost";
import { IsolationFacts, sharedText } from "../../ui/isolation";
import { availabilityText, resourcesText, useCatalog } from "./catalog-data";

// The server replaces what lies between the marks with the catalogue of the moment, so that prices can be read
// without JavaScript. In the browser the live cards take over.
const LIVE_REGION = "<!--live:catalog--><p>Prices load with JavaScript. The same list is at <a href=\"/api/v3/catalog\">/api/v3/catalog</a>.</p><!--/live:catalog-->";

type Level = 1 | 2;

/** `under` is the level of the heading above the cards, so that headings never skip one. */
export function CatalogCards({ under = 1 }: { under?: Level }) {
  if (import.meta.env.SSR) return <div className="live-region" dangerouslySetInnerHTML={{ __html: LIVE_REGION }} />;
  return <LiveCards under={under} />;
}

function LiveCards({ under }: { under: Level }) {
  const { data: items, isPending, error, refetch } = useCatalog();
  if (isPending) return <p role="status">Loading prices…</p>;
  if (error && !items) {
    return (
      <div className="notice" role="alert">
        <p>The catalogue could not be loaded: {error.message}</p>
        <button type="button" className="cta cta-quiet" onClick={() => void refetch()}>Try again</button>
      </div>
    );
  }
  if (items.length === 0) {
    return <p className="notice">Nothing is on sale yet. As soon as a node is enrolled, its hardware and price appear here.</p>;
  }
  return <ul className="cards">{items.map((item) => <CatalogCard key={`${item.sku}@${item.region_id}`} item={item} under={under} />)}</ul>;
}

function CatalogCard({ item, under }: { item: CatalogItem; under: Level }) {
  const Heading = under === 1 ? "h2" : "h3";
  const launch = `/launch?${new URLSearchParams({ sku: item.sku, region: item.region_id })}`;
  const free = item.available > 0;
  return (
    <li className="card">
      <div className="card-head">
        <Heading>{item.name}</Heading>
        {item.simulated && <p className="chip">Simulated</p>}
        <p className={free ? "chip chip-good" : "chip"}>{free ? "Available" : "Not available"}</p>
      </div>
      <p className="card-price"><Cost value={item.price} /> <span>per hour, billed by the second</span></p>
      {item.next_price && <p className="card-note">Changes to <Cost value={item.next_price} /> on {item.next_price.effective_at.slice(0, 10)}.</p>}
      <p>{item.description}</p>
      <dl className="card-facts">
        <div><dt>Hardware</dt><dd>{item.silicon.vendor} {item.silicon.model}{item.silicon.memory_gb ? `, ${item.silicon.memory_gb} GB each` : ""}{item.silicon.interconnect ? `, ${item.silicon.interconnect}` : ""}</dd></div>
        <div><dt>Size</dt><dd>{resourcesText(item)}</dd></div>
        <div><dt>Region</dt><dd>{item.region_id}</dd></div>
        <div><dt>Capacity</dt><dd>{availabilityText(item)}</dd></div>
      </dl>
      <IsolationNote item={item} />
      <p className="card-foot">
        <code>{item.sku}</code>
        <a className={free ? "cta" : "cta cta-quiet"} href={launch} aria-label={`${free ? "Launch" : "See options for"} ${item.name}`}>
          {free ? "Launch" : "See options"}
        </a>
      </p>
    </li>
  );
}

function IsolationNote({ item }: { item: CatalogItem }) {
  const isolation = item.isolation;
  if (!isolation) return <p className="card-note">Isolation is not reported by any node yet.</p>;
  return (
    <details className="card-note">
      <summary>Isolation: {isolation.driver}{sharedText(isolation)}</summary>
      <IsolationFacts isolation={isolation} />
    </details>
  );
}
