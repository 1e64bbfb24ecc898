import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useRouter } from "@tanstack/react-router";
import { useSession } from "../../api/client";
import { useScope } from "../scope";
import { signOut } from "../sign-out";
import { useTheme } from "../theme";
import { actions, byWholeId, GROUPS, matching, pages, projects, type Command, type Run } from "./commands";
import { useThings } from "./things";
import "./palette.css";

/**
 * Everything by name, with the keyboard alone. The browser's own modal dialog keeps the focus inside, makes the page
 * behind it inert, closes on Escape, and gives the focus back.
 */
export default function Palette({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  return (
    <dialog
      ref={dialog} className="palette" aria-label="Search and commands" onClose={onClose}
      onClick={(event) => { if (event.target === dialog.current) onClose(); }}
    >
      <Search onClose={onClose} />
    </dialog>
  );
}

function Search({ onClose }: { onClose: () => void }) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const { found, unread } = useFound(typed);
  const run = useRun();
  const chosen = Math.min(at, found.length - 1);
  const optionId = (index: number) => `${id}-${index}`;
  const choose = (command: Command | undefined) => { if (command) { onClose(); run(command.run); } };
  useEffect(() => void document.getElementById(optionId(chosen))?.scrollIntoView({ block: "nearest" }));
  const onKeyDown = (event: KeyboardEvent) => {
    const next = destination(event.key, chosen, found.length);
    if (next !== null) { event.preventDefault(); setAt(next); }
    if (event.key === "Enter") { event.preventDefault(); choose(found[chosen]); }
  };
  return (
    <>
      <div className="palette-bar">
        <input
          className="palette-input" role="combobox" aria-label="Search pages, actions and things" aria-expanded="true" aria-autocomplete="list"
          aria-controls={`${id}-list`} aria-activedescendant={found.length > 0 ? optionId(chosen) : undefined}
          autoFocus autoComplete="off" spellCheck={false} maxLength={200} placeholder="Go to, do, or find by name or id"
          value={typed} onChange={(event) => { setTyped(event.target.value); setAt(0); }} onKeyDown={onKeyDown}
        />
        <button type="button" className="palette-close" onClick={onClose} aria-label="Esc: close the search"><kbd>Esc</kbd></button>
      </div>
      <div id={`${id}-list`} className="palette-list" role="listbox" aria-label="Results">
        {GROUPS.map((group) => (
          <Results key={group} group={group} found={found} chosen={chosen} optionId={optionId} onChoose={choose} onPoint={setAt} />
        ))}
      </div>
      <p className="palette-foot" role="status">
        {found.length === 0 ? `Nothing is called “${typed}”. Try a part of the name, or paste a whole id.` : `${found.length} ${found.length === 1 ? "result" : "results"}`}
        {unread.length > 0 && <span> · {unread.join(" and ")} could not be read</span>}
        <span className="palette-keys" aria-hidden="true"><kbd>↑</kbd><kbd>↓</kbd> choose <kbd>↵</kbd> open</span>
      </p>
    </>
  );
}

interface ResultsProps {
  group: string; found: Command[]; chosen: number; optionId: (index: number) => string; onChoose: (command: Command) => void; onPoint: (index: number) => void;
}

function Results({ group, found, chosen, optionId, onChoose, onPoint }: ResultsProps) {
  const own = found.map((command, index) => ({ command, index })).filter(({ command }) => command.group === group);
  if (own.length === 0) return null;
  return (
    <div role="group" aria-label={group}>
      <div className="palette-group" role="presentation">{group}</div>
      {own.map(({ command, index }) => (
        <div
          key={command.id} id={optionId(index)} role="option" aria-selected={index === chosen} className="palette-option"
          onClick={() => onChoose(command)} onMouseMove={() => onPoint(index)}
        >
          <span className="palette-title">{command.title}</span>
          {command.hint && <span className="palette-hint">{command.hint}</span>}
        </div>
      ))}
    </div>
  );
}

/** Where a key leads from line `at` of `count`; null for keys that the text field keeps. */
function destination(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (at - 1 + count) % count;
  if (key === "PageDown") return Math.min(count - 1, at + 8);
  if (key === "PageUp") return Math.max(0, at - 8);
  return null;
}

function useFound(typed: string) {
  const session = useSession();
  const [dark] = useTheme();
  const { known, unread } = useThings(session);
  const found = useMemo(() => {
    const always = [...actions(session, dark), ...pages(session)];
    if (!typed.trim()) return matching(always, "");
    const all = [...always, ...projects(session), ...known];
    return matching([...all, ...byWholeId(typed, known, session.operator)], typed);
  }, [session, dark, known, typed]);
  return { found, unread };
}

function useRun() {
  const router = useRouter();
  const [, toggleTheme] = useTheme();
  const { setProject } = useScope();
  return (run: Run) => {
    if (run.kind === "go") router.history.push(run.href);
    else if (run.kind === "theme") toggleTheme();
    else if (run.kind === "project") setProject(run.id);
    else void signOut();
  };
}
