import { usePageTitle } from "../../ui/page-name";
import { CatalogCards } from "./CatalogCards";

export function Page() {
  usePageTitle("Catalogue");
  return (
    <div className="public-width public-page">
      <h1>Catalogue</h1>
      <p className="lead">What you can launch now, what it costs, and how tenants are kept apart on it. No account is needed to look.</p>
      <CatalogCards />
    </div>
  );
}
