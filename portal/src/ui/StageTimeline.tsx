import type { Transition } from "../api/types";
import { useSecondsSince } from "./Cost";
import { duration, exactTime } from "./RelativeTime";

export interface StageWords { state: string; title: string; doing: string }
export interface Stage extends StageWords {
  status: "done" | "now" | "next" | "bad";
  seconds: number | null; since: string | null; /** What the stage ended with, in the words of whoever moved it on. */
  result: string; deadlineSeconds: number | null;
}

interface Props { stages: Stage[]; label: string }

/** A long-running thing as named stages: what is done and how long it took, what goes on now, and what comes next. */
export function StageTimeline({ stages, label }: Props) {
  return (
    <ol className="stages" aria-label={label}>
      {stages.map((stage) => <StageRow key={stage.state} stage={stage} />)}
    </ol>
  );
}

function StageRow({ stage }: { stage: Stage }) {
  const spoken = { done: "done", now: "in progress", next: "not started", bad: "ended here" }[stage.status];
  return (
    <li className={`stage stage-${stage.status}`} aria-current={stage.status === "now" ? "step" : undefined}>
      <span className="stage-mark" aria-hidden="true" />
      <div className="stage-body">
        <span className="stage-title">{stage.title}<span className="visually-hidden">: {spoken}</span></span>
        <span className="stage-doing">{stage.result || stage.doing}</span>
      </div>
      <span className="stage-time" title={stage.since ? exactTime(stage.since) : undefined}><StageTime stage={stage} /></span>
    </li>
  );
}

function StageTime({ stage }: { stage: Stage }) {
  const live = stage.status === "now" && stage.since !== null;
  const elapsed = useSecondsSince(live, stage.since ? Date.parse(stage.since) : 0);
  if (stage.seconds !== null) return <>{precise(stage.seconds)}</>;
  if (!live) return null;
  return <>{duration(elapsed)}{stage.deadlineSeconds ? ` of at most ${duration(stage.deadlineSeconds)}` : ""}</>;
}

function precise(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

/**
 * The stages to show for the recorded transitions. `path` is the way things normally go; a state off that path
 * (refused, failed) is appended, and what lies behind it on the path is not promised any more.
 */
export function stagesOf(path: StageWords[], transitions: Transition[], current: string, terminal: ReadonlySet<string>): Stage[] {
  const entered = new Map(transitions.map((item, index) => [item.to_state, { item, next: transitions[index + 1] }]));
  const offPath = !path.some((stage) => stage.state === current);
  const lastReached = path.reduce((last, stage, index) => (entered.has(stage.state) || stage.state === current ? index : last), -1);
  const shown = offPath ? path.slice(0, lastReached + 1) : path;
  const stages = shown.map((words, index): Stage => {
    const seen = entered.get(words.state);
    const isCurrent = words.state === current;
    const status = isCurrent ? (terminal.has(current) ? "done" : "now") : index <= lastReached ? "done" : "next";
    return { ...words, status, ...timing(seen, isCurrent) };
  });
  if (!offPath) return stages;
  const end = entered.get(current)?.item;
  const words = { state: current, title: current.charAt(0).toUpperCase() + current.slice(1), doing: end?.why || "It ended here." };
  return [...stages, { ...words, status: "bad", ...timing(end && { item: end }, true) }];
}

function timing(seen: { item: Transition; next?: Transition } | undefined, isCurrent: boolean) {
  if (!seen) return { seconds: null, since: null, result: "", deadlineSeconds: null };
  const spent = seen.next ? (Date.parse(seen.next.at) - Date.parse(seen.item.at)) / 1_000 : null;
  return {
    seconds: isCurrent ? null : spent, since: seen.item.at, result: seen.next?.why ?? "",
    deadlineSeconds: seen.item.deadline_seconds ?? null,
  };
}
