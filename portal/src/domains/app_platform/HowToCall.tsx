import type { Ref } from "react";
import Tabs from "@cloudscape-design/components/tabs";
import type { Model } from "../../api/types";
import { CommandBlock } from "../../ui/CommandBlock";
import { CopyId } from "../../ui/CopyId";
import { samplesOf } from "./model-samples";

interface Props { ref: Ref<HTMLElement>; models: Model[]; chosen: Model; baseUrl: string; onChoose: (id: string) => void }

/** The address, a key, and code to copy with the chosen model in it. */
export function HowToCall({ ref, models, chosen, baseUrl, onChoose }: Props) {
  return (
    <section className="public-section model-call rich" aria-labelledby="call" ref={ref} tabIndex={-1}>
      <h2 id="call">How to call {chosen.name}</h2>
      {baseUrl ? (
        <>
          <ol className="rules">
            <li>Make <a href="/keys?new=1&scope=inference.use">an API key</a> that may use <code>inference.use</code>, or has all rights of a member, and put it into <code>AIF_API_KEY</code>.</li>
            <li>Point your client to <CopyId id={baseUrl} label="address" /></li>
            <li>Name the model. What it used is on your <a href="/token-usage">token usage</a> within seconds.</li>
          </ol>
          <label className="model-choice">Model
            <select value={chosen.id} onChange={(event) => onChoose(event.target.value)}>
              {models.map(({ id, name }) => <option key={id} value={id}>{name} ({id})</option>)}
            </select>
          </label>
          <Samples model={chosen} baseUrl={baseUrl} />
        </>
      ) : <p className="notice">This platform has not said yet at which address its models are called. Ask the operator for it.</p>}
    </section>
  );
}

function Samples({ model, baseUrl }: { model: Model; baseUrl: string }) {
  const samples = samplesOf(model, baseUrl);
  if (samples.length === 0) return <p className="notice">There is no example yet for a model of this kind. It takes what OpenAI's API takes.</p>;
  return (
    <Tabs
      ariaLabel="Code to copy"
      tabs={samples.map(({ id, title, code }) => ({ id, label: title, content: <CommandBlock label={`${title} for ${model.name}`} text={code} /> }))}
    />
  );
}
