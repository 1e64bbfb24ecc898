import type { ReactNode } from "react";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { ProblemError } from "../api/problem";
import { useNotify } from "../shell/notices";
import type { Can } from "./Can";
import { ConfirmByName } from "./ConfirmByName";
import { useBulk, type Named, type Outcome } from "./use-bulk";

interface Props<T extends Named> {
  /** In the words of a button, and of what it led to: "Delete", "volume", "deleted". */
  action: string; noun: string; done: string;
  items: T[]; act: (item: T) => Promise<unknown>; can?: (item: T) => Can;
  /** What can be undone needs no name typed. */
  harmless?: boolean; note?: ReactNode; children: ReactNode; onClose: () => void;
}

/** One action on one thing or on several. Each has its own outcome; what failed stays here and can be tried again. */
export function BulkDialog<T extends Named>({ action, noun, done, items, act, can, harmless, note, children, onClose }: Props<T>) {
  const notify = useNotify();
  const able = items.filter((item) => !can || can(item).yes);
  const bulk = useBulk(able, act);
  const [first] = able;
  const one = able.length === 1 && first ? first : null;
  const name = one ? one.name : `${able.length} ${noun}s`;
  const confirm = async () => {
    if (!(await bulk.run())) return;
    notify({ type: "success", header: one ? `${one.name}: ${done}` : `${name}: all ${done}`, content: note });
    onClose();
  };
  const outcome = one ? bulk.of(one) : null;
  const again = able.some((item) => bulk.of(item).state === "failed");
  return (
    <ConfirmByName
      title={one ? `${action} ${noun} ${name}?` : `${action} ${name}?`} name={harmless ? null : name} busy={bulk.busy}
      action={again && !one ? `Try again (${bulk.left.length})` : action}
      error={outcome?.state === "failed" ? outcome.error : null} onConfirm={() => void confirm()} onDismiss={onClose}
    >
      <div>{children}</div>
      {able.length > 1 && (
        <ul className="bulk-list" aria-label={`The ${noun}s`}>
          {able.map((item) => <li key={item.id}><span className="bulk-name">{item.name}</span><OutcomeOf outcome={bulk.of(item)} done={done} /></li>)}
        </ul>
      )}
      <LeftOut items={items.filter((item) => !able.includes(item))} can={can} noun={noun} />
    </ConfirmByName>
  );
}

function OutcomeOf({ outcome, done }: { outcome: Outcome; done: string }) {
  switch (outcome.state) {
    case "waiting": return null;
    case "doing": return <StatusIndicator type="in-progress">Under way</StatusIndicator>;
    case "done": return <StatusIndicator type="success">{done.charAt(0).toUpperCase() + done.slice(1)}</StatusIndicator>;
    case "failed": return <StatusIndicator type="error">{reasonOf(outcome.error)}</StatusIndicator>;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ProblemError)) return String(error);
  const { title, detail, todo } = error.details;
  return [detail || title, todo].filter(Boolean).join(" ");
}

function LeftOut<T extends Named>({ items, can, noun }: { items: T[]; can?: (item: T) => Can; noun: string }) {
  if (items.length === 0 || !can) return null;
  return (
    <>
      <p>Left as {items.length === 1 ? "it is" : "they are"}: {items.length} selected {noun}{items.length === 1 ? "" : "s"}.</p>
      <ul className="bulk-list">
        {items.map((item) => {
          const may = can(item);
          return <li key={item.id}><span className="bulk-name">{item.name}</span>{may.yes ? null : <span className="bulk-why">{may.because}</span>}</li>;
        })}
      </ul>
    </>
  );
}
