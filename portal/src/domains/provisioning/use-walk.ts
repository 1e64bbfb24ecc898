import { useEffect, useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import { useSession } from "../../api/client";
import { useNotify } from "../../shell/notices";
import { useLaunch } from "./data";
import { forgetDraft, keepDraft, launchAddress } from "./launch-draft";
import { check, toRequest, type LaunchForm } from "./launch-form";
import type { Kept } from "./launch-kept";
import { firstWrong, stepOfProblem, wrongOn, type Step } from "./launch-steps";

type Reason = "next" | "previous" | "step" | "skip";

/** Walking through the steps: what keeps one on a step, where an error leads, and the launch at the end. */
export function useWalk(form: LaunchForm, set: (change: Partial<LaunchForm>) => void, kept: Kept) {
  const problems = check(form);
  const [tried, setTried] = useState<ReadonlySet<Step>>(new Set());
  const [stopped, setStopped] = useState(0);
  const { launch, send } = useSend(form, kept, (step) => set({ step }));
  useEffect(() => {
    if (stopped > 0) document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [stopped]);

  const stopAt = (step: Step) => { setTried((before) => new Set(before).add(step)); setStopped((before) => before + 1); set({ step }); };
  const navigate = (to: Step, reason: Reason) => {
    const missing = reason === "next" && wrongOn(form.step, problems) ? form.step : reason === "skip" ? firstWrong(problems) : undefined;
    if (missing) stopAt(missing);
    else set({ step: to });
  };
  const submit = () => {
    const missing = firstWrong(problems);
    if (missing) stopAt(missing);
    else send();
  };
  // What the server refused is answered by a change; then it is judged anew.
  const change = (edit: Partial<LaunchForm>) => { if (launch.error) launch.reset(); set(edit); };
  const forget = () => { setTried(new Set()); launch.reset(); };
  return {
    wrong: tried.has(form.step) ? problems : {}, problem: launch.error, busy: launch.isPending,
    navigate, submit, change, forget, goTo: (step: Step) => set({ step }),
  };
}

/** The launch itself. A visitor signs in first, and comes back to the same step with everything filled in. */
function useSend(form: LaunchForm, kept: Kept, goTo: (step: Step) => void) {
  const session = useSession();
  const navigate = useNavigate();
  const notify = useNotify();
  const launch = useLaunch();
  const send = () => {
    if (!session.authenticated) {
      keepDraft(form);
      void kept.flush().finally(() => location.assign(`/signin?next=${encodeURIComponent(launchAddress(form))}`));
      return;
    }
    launch.mutate(toRequest(form), {
      onError: (problem) => goTo(stepOfProblem(problem)),
      onSuccess: (made) => {
        forgetDraft();
        void kept.forget();
        notify({ type: "success", header: `${made.name} is on its way`, content: "Follow each stage here. The SSH command appears when access is verified." });
        void navigate({ to: `/allocations/${made.id}` as never });
      },
    });
  };
  return { launch, send };
}
