import { usePageTitle } from "../../ui/page-name";
import { CatalogCards } from "./CatalogCards";

const STEPS = [
  ["Find a price", "The catalogue shows live prices and what is free, without an account."],
  ["Configure, then sign in", "Choose hardware, an SSH key and storage first. Your choices are kept while you sign in."],
  ["Get a machine", "Every stage of the start is shown with the time it takes, and ends with an SSH command."],
  ["Pay by the second", "Billing starts when access is verified and stops the moment you ask for release."],
] as const;

const PILLARS = [
  ["Bare metal GPUaaS", "Whole nodes and slices, metered by the second, with plain SSH. This is what you can launch today.", "now"],
  ["Managed GPU service", "Notebooks, training jobs and model servers on managed runtimes.", "next"],
  ["Token Factory", "OpenAI-compatible model endpoints, counted and billed per token.", "now"],
  ["Platform control", "Identity, audit, releases and fleet health that an operator can rely on.", "now"],
] as const;

export function Page() {
  usePageTitle("GPU cloud with nothing hidden");
  return (
    <>
      <section className="hero">
        <div className="public-width hero-grid">
          <div>
            <h1>A GPU cloud that shows its work</h1>
            <p className="lead">
              Find a price, launch on a real node, and get a bill you can check to the second.
              Open source, and yours to run in your own data centre.
            </p>
            <p className="hero-actions">
              <a className="cta cta-large" href="/launch">Configure a launch</a>
              <a className="cta cta-large cta-quiet" href="/catalog">See the catalogue</a>
            </p>
          </div>
          <CommandExample />
        </div>
      </section>
      <section className="public-width public-section" aria-labelledby="prices">
        <h2 id="prices">Live prices</h2>
        <p className="lead">These are the prices and the free capacity of this moment.</p>
        <CatalogCards under={2} />
      </section>
      <section className="public-width public-section" aria-labelledby="how">
        <h2 id="how">From price to proof in four steps</h2>
        <ol className="steps">{STEPS.map(([title, text]) => <li key={title}><h3>{title}</h3><p>{text}</p></li>)}</ol>
      </section>
      <section className="public-width public-section" aria-labelledby="what">
        <h2 id="what">What the platform is made of</h2>
        <ul className="pillars">
          {PILLARS.map(([title, text, when]) => (
            <li key={title}><h3>{title} {when === "next" && <span className="chip">Planned</span>}</h3><p>{text}</p></li>
          ))}
        </ul>
      </section>
    </>
  );
}

function CommandExample() {
  return (
    <figure className="terminal">
      <figcaption>The same from a terminal</figcaption>
      <pre tabIndex={0} role="region" aria-label="Example of the command line"><code>{[
        "$ aif catalog",
        "$ aif quote local.cpu.1 --hours 2",
        "$ aif allocations create --sku local.cpu.1 \\",
        "    --ssh-key ~/.ssh/id_ed25519.pub \\",
        "    --name dev --volume data:10 --wait",
        "$ aif ssh dev",
        "$ aif statement",
      ].join("\n")}</code></pre>
    </figure>
  );
}
