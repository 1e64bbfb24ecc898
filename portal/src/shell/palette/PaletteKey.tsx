import { lazy, Suspense, useEffect, useState } from "react";

const OPEN = "aifactory:open-palette";
const load = () => import("./Palette");
const LazyPalette = lazy(load);

/** Opens the palette from anywhere in the console: the top bar has no other way to reach it. */
export const openPalette = () => void dispatchEvent(new Event(OPEN));

export const isApple = () => /Mac|iPhone|iPad/.test(navigator.platform);

/** Listens for Ctrl-K (Cmd-K on a Mac). The palette's code is fetched at its first use. */
export function PaletteKey() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const show = () => setOpen(true);
    const onKey = (event: KeyboardEvent) => {
      const pressed = event.key.toLowerCase() === "k" && (isApple() ? event.metaKey : event.ctrlKey) && !event.shiftKey && !event.altKey;
      if (!pressed) return;
      event.preventDefault();
      setOpen((before) => !before);
    };
    addEventListener("keydown", onKey);
    addEventListener(OPEN, show);
    return () => { removeEventListener("keydown", onKey); removeEventListener(OPEN, show); };
  }, []);
  return open ? <Suspense fallback={null}><LazyPalette onClose={() => setOpen(false)} /></Suspense> : null;
}
