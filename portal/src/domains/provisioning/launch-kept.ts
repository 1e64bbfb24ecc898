import { useEffect, useRef, useState } from "react";
import { answer, api, keyed } from "../../api/http";
import { ProblemError } from "../../api/problem";
import type { LaunchDraft, Session } from "../../api/types";
import { isWorthKeeping, readDraft, readDraftId, toKept, writeDraftId } from "./launch-draft";
import type { LaunchForm } from "./launch-form";

const PAUSE_MS = 800;

/** `tab`: the server did not take it, so it lives in this browser tab only. */
export type KeptState = "nothing" | "saving" | "saved" | "tab";
export interface Kept {
  state: KeptState;
  /** An unfinished launch of this person that this page did not begin with. */
  offered: LaunchDraft | null;
  take: (draft: LaunchDraft) => void; dismiss: () => void;
  /** Saves what is not saved yet, before this page is left. Never fails: this tab holds the form too. */
  flush: () => Promise<void>; forget: () => Promise<void>;
}

/** Keeps the form on the server as one types, and finds what was kept: before signing in, in another tab, elsewhere. */
export function useKept(form: LaunchForm, restore: (draft: LaunchDraft["form"]) => void, session: Session): Kept {
  const member = session.authenticated && session.permissions.includes("allocation.create");
  const where = member ? `member of ${session.tenant?.id}` : "visitor";
  const store = useRef<DraftStore>(null);
  const [hadOwn] = useState(() => isWorthKeeping(readDraft() ?? {}));
  const [state, setState] = useState<KeptState>("nothing");
  const [offered, setOffered] = useState<LaunchDraft | null>(null);
  const [searched, setSearched] = useState("");
  const text = JSON.stringify(toKept(form));

  useEffect(() => {
    if (session.authenticated && !member) return undefined;
    const found = new DraftStore(member);
    store.current = found;
    let gone = false;
    void found.begin().then(({ own, other }) => {
      if (gone) return;
      if (own && !hadOwn) restore(own);
      if (!own && !hadOwn) setOffered(other);
    }).catch(() => undefined).finally(() => { if (!gone) setSearched(where); });
    return () => { gone = true; };
  }, [where]); // eslint-disable-line react-hooks/exhaustive-deps

  const save = async () => {
    const kept = toKept(form);
    if (!store.current || (!isWorthKeeping(form) && !store.current.holds)) return;
    setState("saving");
    setState(await store.current.save(kept) ? "saved" : "tab");
  };
  useEffect(() => {
    if (searched !== where) return undefined;
    const timer = setTimeout(() => void save(), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, searched, where]); // eslint-disable-line react-hooks/exhaustive-deps

  return {
    state, offered, flush: save, dismiss: () => setOffered(null),
    take: (draft) => { store.current?.continueWith(draft); setOffered(null); restore(draft.form); },
    forget: async () => { setState("nothing"); setOffered(null); await store.current?.forget(); },
  };
}

const paths = { one: "/api/v3/launch-drafts/{draft_id}", all: "/api/v3/launch-drafts", visitor: "/api/v3/launch-drafts/visitor" } as const;

/** One draft on the server. Saving is done one after another, so that an older form never overtakes a newer one. */
class DraftStore {
  private held: { id: string; generation: number } | null = null;
  private visitorHolds = false;
  private last = "";
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly member: boolean) {}

  get holds() { return this.held !== null || this.visitorHolds; }

  /** `own`: what this page goes on with. `other`: the newest draft of the same person from elsewhere. */
  async begin(): Promise<{ own: LaunchDraft["form"] | null; other: LaunchDraft | null }> {
    if (!this.member) {
      const { draft } = await answer(api.GET(paths.visitor));
      this.visitorHolds = draft !== null;
      return { own: draft?.form ?? null, other: null };
    }
    const { draft: claimed } = await answer(api.POST("/api/v3/launch-drafts/claim"));
    const own = claimed ?? (await this.ofThisTab());
    if (own) return { own: this.continueWith(own), other: null };
    const { items } = await answer(api.GET(paths.all, { params: { query: { limit: 1 } } }));
    return { own: null, other: items[0] ?? null };
  }

  continueWith(draft: LaunchDraft): LaunchDraft["form"] {
    this.held = { id: draft.id, generation: draft.generation };
    writeDraftId(draft.id);
    return draft.form;
  }

  save(form: LaunchDraft["form"]): Promise<boolean> {
    const text = JSON.stringify(form);
    const next = this.queue.then(async () => {
      if (text === this.last) return true;
      try {
        await this.write(form);
        this.last = text;
        return true;
      } catch {
        return false;
      }
    });
    this.queue = next;
    return next;
  }

  /** After the launch, or to start over. What is still on its way is waited for, so that nothing comes back. */
  forget(): Promise<void> {
    const next = this.queue.then(async () => {
      const held = this.held;
      const visitor = this.visitorHolds;
      this.held = null;
      this.visitorHolds = false;
      this.last = "";
      writeDraftId(null);
      if (held) await api.DELETE(paths.one, { params: { ...keyed, path: { draft_id: held.id } } }).catch(() => undefined);
      if (visitor) await api.DELETE(paths.visitor).catch(() => undefined);
    });
    this.queue = next;
    return next;
  }

  private async ofThisTab(): Promise<LaunchDraft | null> {
    const id = readDraftId();
    if (!id) return null;
    return answer(api.GET(paths.one, { params: { path: { draft_id: id } } })).catch((problem: unknown) => {
      if (!isGone(problem)) throw problem;
      writeDraftId(null);
      return null;
    });
  }

  private async write(form: LaunchDraft["form"]): Promise<void> {
    if (!this.member) {
      await api.PUT(paths.visitor, { body: { form } });
      this.visitorHolds = true;
      return;
    }
    const changed = this.held && (await this.change(this.held, form));
    this.continueWith(changed ?? (await answer(api.POST(paths.all, { params: keyed, body: { form } }))));
  }

  /** Null when it is gone, or another tab has changed it since: then this form goes on as a draft of its own. */
  private async change(held: { id: string; generation: number }, form: LaunchDraft["form"]): Promise<LaunchDraft | null> {
    const header = { ...keyed.header, "If-Match": `W/"${held.generation}"` };
    return answer(api.PUT(paths.one, { params: { header, path: { draft_id: held.id } }, body: { form } })).catch((problem: unknown) => {
      if (isGone(problem)) return null;
      throw problem;
    });
  }
}

const isGone = (problem: unknown) => problem instanceof ProblemError && (problem.status === 404 || problem.status === 412);
