import { createContext, useCallback, useContext, useState, type ReactNode } from "react";
import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import type { Happening } from "./happened/feed";

interface Notice { type: "success" | "info" | "warning" | "error"; header: string; content?: ReactNode }
type Notify = (notice: Notice) => void;
const NotifyContext = createContext<Notify>(() => undefined);
const NoticesContext = createContext<FlashbarProps.MessageDefinition[]>([]);
const PastContext = createContext<Happening[]>([]);
const MOST_AT_ONCE = 4;
const MOST_KEPT = 20;

/** What has just happened, at the top of whichever page comes next. */
export function NoticesProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const [past, setPast] = useState<Happening[]>([]);
  const notify = useCallback<Notify>((notice) => {
    const id = crypto.randomUUID();
    const { type: tone, header: title, content } = notice;
    const told = { id, at: new Date().toISOString(), tone, title, ...(typeof content === "string" ? { detail: content } : {}) };
    setPast((before) => [told, ...before].slice(0, MOST_KEPT));
    const dismiss = () => setItems((shown) => shown.filter((item) => item.id !== id));
    const item = { ...notice, id, dismissible: true, dismissLabel: "Dismiss", onDismiss: dismiss };
    setItems((shown) => [item, ...shown].slice(0, MOST_AT_ONCE));
    if (notice.type === "success") setTimeout(dismiss, 8_000);
  }, []);
  return (
    <NotifyContext.Provider value={notify}>
      <NoticesContext.Provider value={items}><PastContext.Provider value={past}>{children}</PastContext.Provider></NoticesContext.Provider>
    </NotifyContext.Provider>
  );
}

export const useNotify = () => useContext(NotifyContext);
/** What was told on this page load, newest first, also what has gone from the screen. */
export const usePastNotices = () => useContext(PastContext);

export function Notices() {
  return <Flashbar items={useContext(NoticesContext)} stackItems={false} />;
}
