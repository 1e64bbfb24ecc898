import { useEffect, useSyncExternalStore } from "react";

// What the page that is shown calls itself, for the trail above it: an id says nothing to a reader.
interface Name { path: string; title: string }
let current: Name | null = null;
const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => { listeners.add(listener); return () => void listeners.delete(listener); };

export function usePageTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · AI Factory`;
    current = { path: location.pathname, title };
    listeners.forEach((listener) => listener());
  }, [title]);
}

/** The name of the page at `path`, once it has told it. */
export function usePageName(path: string): string | undefined {
  const name = useSyncExternalStore(subscribe, () => current, () => null);
  return name?.path === path ? name.title : undefined;
}
