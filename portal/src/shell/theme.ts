import { useSyncExternalStore } from "react";
import { writeChoice } from "../api/client";

const DARK = "awsui-dark-mode";
const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => { listeners.add(listener); return () => void listeners.delete(listener); };
const isDark = () => document.body.classList.contains(DARK);

/** Light or dark: the system's preference until chosen here, then the choice, kept in this browser. */
export function useTheme(): [dark: boolean, toggle: () => void] {
  return [useSyncExternalStore(subscribe, isDark, () => false), toggle];
}

function toggle() {
  const next = !isDark();
  document.body.classList.toggle(DARK, next);
  writeChoice("aifactory.theme", next ? "dark" : "light");
  listeners.forEach((listener) => listener());
}
