import { createContext, useContext, useMemo, useState, type ReactNode } from "react";
import { readChoice, useSession, writeChoice } from "../api/client";

interface Scope { projectId: string | undefined; projectName: string; setProject: (id: string | undefined) => void }
const ScopeContext = createContext<Scope>({ projectId: undefined, projectName: "All projects", setProject: () => undefined });

/** The project that lists are narrowed to and that a launch starts with. It belongs to the chosen tenant. */
export function ScopeProvider({ children }: { children: ReactNode }) {
  const session = useSession();
  const name = `aifactory.project.${session.tenant?.id ?? "none"}`;
  const [chosen, setChosen] = useState<Record<string, string | undefined>>({});
  const id = name in chosen ? chosen[name] : readChoice(name) ?? undefined;
  const project = session.projects.find((candidate) => candidate.id === id);
  const scope = useMemo<Scope>(() => ({
    projectId: project?.id,
    projectName: project?.name ?? "All projects",
    setProject: (next) => { writeChoice(name, next ?? null); setChosen((before) => ({ ...before, [name]: next })); },
  }), [project?.id, project?.name, name]);
  return <ScopeContext.Provider value={scope}>{children}</ScopeContext.Provider>;
}

export const useScope = () => useContext(ScopeContext);
