import { useRef } from "react";
import type { Model } from "../../api/types";
import { CopyId } from "../../ui/CopyId";
import { Cost } from "../../ui/Cost";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePageTitle } from "../../ui/page-name";
import { useSearchParam } from "../../ui/useSearchParam";
import { HowToCall } from "./HowToCall";
import { matching, useModels } from "./models-data";
import "./models.css";

const MANY = 9;

export function Page() {
  usePageTitle("Models");
  return (
    <div className="public-width public-page">
      <h1>Models</h1>
      <p className="lead">Call them with any OpenAI client. You pay for the tokens that go in and come out. No account is needed to look.</p>
      {import.meta.env.SSR ? <p className="notice">The list loads with JavaScript. The same list is at <a href="/api/v3/models">/api/v3/models</a>.</p> : <Models />}
    </div>
  );
}

function Models() {
  const { data, isPending, error, refetch } = useModels();
  const [chosenId, choose] = useSearchParam("model");
  const call = useRef<HTMLElement>(null);
  if (isPending) return <p role="status">Loading models…</p>;
  if (!data) return <ProblemAlert error={error} doing="The models could not be loaded" onRetry={() => void refetch()} />;
  if (data.items.length === 0) return <p className="notice">No model is offered here yet. As soon as the operator offers one, it appears here with its prices.</p>;
  const chosen = data.items.find(({ id }) => id === chosenId) ?? data.items[0]!;
  const show = (id: string) => { choose(id); call.current?.scrollIntoView({ block: "start" }); call.current?.focus({ preventScroll: true }); };
  return (
    <>
      <Cards models={data.items} onCall={show} />
      <HowToCall ref={call} models={data.items} chosen={chosen} baseUrl={data.base_url} onChoose={choose} />
    </>
  );
}

function Cards({ models, onCall }: { models: Model[]; onCall: (id: string) => void }) {
  const [typed, setTyped] = useSearchParam("q");
  const shown = matching(models, typed ?? "");
  return (
    <>
      {models.length > MANY && (
        <label className="model-search">Find a model
          <input type="search" value={typed ?? ""} onChange={(event) => setTyped(event.target.value)} maxLength={100} />
        </label>
      )}
      {shown.length === 0 && <p className="notice">No model has that in its name, its description or what it can do.</p>}
      <ul className="cards" aria-label="Models">{shown.map((model) => <ModelCard key={model.id} model={model} onCall={onCall} />)}</ul>
    </>
  );
}

function ModelCard({ model, onCall }: { model: Model; onCall: (id: string) => void }) {
  return (
    <li className="card">
      <div className="card-head">
        <h2>{model.name}</h2>
        {model.capabilities.map((each) => <p className="chip" key={each}>{each}</p>)}
      </div>
      <dl className="model-prices">
        <div><dt>In, per million tokens</dt><dd><Cost value={model.prices.input} /></dd></div>
        <div><dt>Out, per million tokens</dt><dd><Cost value={model.prices.output} /></dd></div>
      </dl>
      {model.description && <p>{model.description}</p>}
      <dl className="card-facts">
        <div><dt>Context</dt><dd>{tokens(model.context_tokens)}</dd></div>
        <div><dt>Answer</dt><dd>at most {tokens(model.max_output_tokens)}</dd></div>
        <div><dt>Region</dt><dd>{model.region_id}</dd></div>
      </dl>
      <p className="card-foot">
        <CopyId id={model.id} label="model id" />
        <button type="button" className="cta" onClick={() => onCall(model.id)} aria-label={`How to call it: ${model.name}`}>How to call it</button>
      </p>
    </li>
  );
}

const tokens = (count: number) => `${count.toLocaleString("en")} tokens`;
