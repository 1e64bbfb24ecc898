import { useEffect, useReducer, useRef, useState } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useSession } from "../../api/client";
import { useScope } from "../../shell/scope";
import { useSshKeys } from "../iam/data";
import { forgetDraft, fromKept, fromSearch, initialForm, keepDraft, launchAddress, readDraftId, toSearch, writeDraftId } from "./launch-draft";
import { emptyForm, reduce, type LaunchForm } from "./launch-form";
import { isStep } from "./launch-steps";

/** The form of the launch, held together with the address, this tab's draft, the chosen project and the saved keys. */
export function useLaunchForm() {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>;
  const session = useSession();
  const scope = useScope();
  const keys = useSshKeys(session.authenticated);
  const [address] = useState(() => { goOnWith(search.draft); return search; });
  const [form, dispatch] = useReducer(reduce, search, initialForm);
  const set = (change: Partial<LaunchForm>) => dispatch({ type: "set", change });
  useAddress(form, set, search.step);
  useEffect(() => {
    const known = session.projects.some((project) => project.id === form.project);
    if (session.authenticated && !known) set({ project: scope.projectId ?? session.projects[0]?.id ?? "" });
  }, [session.authenticated, session.projects, scope.projectId, form.project]);
  const firstKey = keys.items[0]?.id;
  useEffect(() => {
    if (firstKey && form.keyChoice === "new" && !form.publicKey && form.keyIds.length === 0) set({ keyChoice: "existing", keyIds: [firstKey] });
  }, [firstKey]); // eslint-disable-line react-hooks/exhaustive-deps
  // What was chosen in the address a moment ago wins over what was kept before.
  const restore = (draft: Record<string, string | string[]>) =>
    dispatch({ type: "restore", form: { ...emptyForm, ...fromKept(draft), ...fromSearch(address) } });
  const restart = () => dispatch({ type: "restore", form: { ...emptyForm, sku: form.sku, region: form.region, project: form.project } });
  return { form, set, restore, restart };
}

/** `?draft=` names a draft on the server: this tab goes on with it, not with what it held before. */
function goOnWith(draft: string | undefined) {
  if (!draft || draft === readDraftId()) return;
  forgetDraft();
  writeDraftId(draft);
}

/** The address follows the form, with an entry in the history for each step; going back in the history is a step too. */
function useAddress(form: LaunchForm, set: (change: Partial<LaunchForm>) => void, inAddress: string | undefined) {
  const navigate = useNavigate();
  const followed = useRef(inAddress);
  useEffect(() => {
    if (inAddress !== followed.current && inAddress !== form.step && isStep(inAddress)) set({ step: inAddress });
    followed.current = inAddress;
  }, [inAddress]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => {
    keepDraft(form);
    const now = new URLSearchParams(location.search);
    const next = new URLSearchParams(launchAddress(form).split("?")[1]);
    if (next.toString() === now.toString()) return;
    const anotherStep = isStep(now.get("step")) && now.get("step") !== form.step;
    void navigate({ to: "/launch" as never, search: toSearch(form) as never, replace: !anotherStep });
  }, [form, navigate]);
}
