import type { AnyRouter } from "@tanstack/react-router";

// Every link in the portal is a plain anchor with an address, so that it can be opened in a new tab, copied and read
// without JavaScript. This one listener turns a plain click on an address of ours into a change of page without reload.
const NOT_OURS = ["/api/", "/dev-issuer/", "/openapi.json", "/asyncapi.json", "/assets/"];

export function followLinksInside(router: AnyRouter) {
  document.addEventListener("click", (event) => {
    const href = plainClickTarget(event);
    if (!href) return;
    event.preventDefault();
    router.history.push(href);
  });
}

export function plainClickTarget(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const anchor = event.composedPath().find((node): node is HTMLAnchorElement => node instanceof HTMLAnchorElement);
  if (!anchor?.href || anchor.target === "_blank" || anchor.hasAttribute("download")) return null;
  const target = new URL(anchor.href);
  if (target.origin !== location.origin || NOT_OURS.some((prefix) => target.pathname.startsWith(prefix))) return null;
  if (target.hash && target.pathname === location.pathname) return null;
  return target.pathname + target.search + target.hash;
}
