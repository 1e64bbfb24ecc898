import { useCatalog, useRegions } from "../product/catalog-data";
import { CatalogCards } from "../product/CatalogCards";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePageTitle } from "../../ui/page-name";

export function Page() {
  usePageTitle("Regions");
  return (
    <div className="public-width public-page">
      <h1>Regions</h1>
      <p className="lead">Each region is a factory of its own: its hardware, its currency, its rules. Data and machines stay in the region you choose.</p>
      {import.meta.env.SSR ? <CatalogCards /> : <RegionList />}
    </div>
  );
}

function RegionList() {
  const { data: regions = [], isPending, error } = useRegions();
  const { data: items = [] } = useCatalog();
  if (isPending) return <p role="status">Loading regions…</p>;
  if (error) return <ProblemAlert error={error} />;
  return (
    <ul className="cards">
      {regions.map((region) => {
        const offered = items.filter((item) => item.region_id === region.id);
        const silicon = [...new Set(offered.map((item) => `${item.silicon.vendor} ${item.silicon.model}`.trim()))];
        return (
          <li className="card" key={region.id}>
            <div className="card-head"><h2>{region.name}</h2>{region.simulated && <p className="chip">Simulated, for demonstration</p>}</div>
            <dl className="card-facts">
              <div><dt>Id</dt><dd><code>{region.id}</code></dd></div>
              <div><dt>Country</dt><dd>{region.country}</dd></div>
              <div><dt>Currency</dt><dd>{region.currency}</dd></div>
              <div><dt>Hardware</dt><dd>{silicon.join(", ") || "None enrolled yet"}</dd></div>
              <div><dt>Free now</dt><dd>{offered.reduce((sum, item) => sum + item.available, 0)} of {offered.reduce((sum, item) => sum + item.capacity, 0)}</dd></div>
            </dl>
          </li>
        );
      })}
    </ul>
  );
}
