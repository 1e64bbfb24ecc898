import type { ReactNode } from "react";
import { Outlet } from "@tanstack/react-router";
import { useSession } from "../api/client";
import iconUrl from "./icon.svg?url";
import { useTheme } from "./theme";
import "./public.css";

/** The frame of the pages that anyone may read. Prerendered, so it uses plain elements and works without JavaScript. */
export function PublicLayout({ children }: { children?: ReactNode }) {
  return (
    <div className="public">
      <a className="skip-link" href="#content">Skip to the page</a>
      <header className="public-header">
        <div className="public-width public-bar">
          <a className="public-brand" href="/"><img src={iconUrl} alt="" width="28" height="28" />AI Factory</a>
          <nav aria-label="Main" className="public-nav">
            <a href="/catalog">Catalogue</a>
            <a href="/models">Models</a>
            <a href="/pricing">Pricing</a>
            <a href="/regions">Regions</a>
          </nav>
          <div className="public-account">
            {import.meta.env.SSR ? null : <ThemeButton />}
            <AccountLink />
          </div>
        </div>
      </header>
      <main id="content">{children ?? <Outlet />}</main>
      <footer className="public-footer">
        <div className="public-width">
          <p>AI Factory runs on open source. Portal, API and command line do the same things.</p>
          <nav aria-label="More"><a href="/openapi.json">API description</a> <a href="/catalog">Catalogue</a> <a href="/regions">Regions</a></nav>
        </div>
      </footer>
    </div>
  );
}

function AccountLink() {
  const session = useSession();
  if (session.authenticated) return <a className="cta cta-small" href="/home">Open console</a>;
  return <a className="cta cta-small" href="/signin">Sign in</a>;
}

function ThemeButton() {
  const [dark, toggle] = useTheme();
  const label = dark ? "Use the light theme" : "Use the dark theme";
  return <button type="button" className="theme-button" onClick={toggle} aria-label={label} title={label}>{dark ? "☀" : "☾"}</button>;
}
