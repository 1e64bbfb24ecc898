import { useState } from "react";

export interface Named { id: string; name: string }
export type Outcome = { state: "waiting" } | { state: "doing" } | { state: "done" } | { state: "failed"; error: unknown };

/**
 * One action on several things, one after another. What fails is kept with its reason and stops nothing; a second run
 * does only what is not done yet.
 */
export function useBulk<T extends Named>(items: T[], act: (item: T) => Promise<unknown>) {
  const [outcomes, setOutcomes] = useState<Record<string, Outcome>>({});
  const [busy, setBusy] = useState(false);
  const of = ({ id }: Named): Outcome => outcomes[id] ?? { state: "waiting" };
  const note = (id: string, outcome: Outcome) => setOutcomes((before) => ({ ...before, [id]: outcome }));
  const left = items.filter((item) => of(item).state !== "done");

  const run = async (): Promise<boolean> => {
    setBusy(true);
    let failed = 0;
    for (const item of left) {
      note(item.id, { state: "doing" });
      const outcome = await act(item).then((): Outcome => ({ state: "done" }), (error: unknown): Outcome => ({ state: "failed", error }));
      note(item.id, outcome);
      failed += outcome.state === "failed" ? 1 : 0;
    }
    setBusy(false);
    return failed === 0;
  };
  return { of, left, busy, run };
}
