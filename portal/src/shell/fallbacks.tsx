import type { ErrorComponentProps } from "@tanstack/react-router";

// Shown before or instead of a page. Plain elements only: they are part of the first download.
export function PageLoading() {
  return <p className="plain-page" role="status">Loading…</p>;
}

export function PageNotFound() {
  return (
    <main className="plain-page">
      <h1>This page does not exist</h1>
      <p>The address may be mistyped, or the thing it named is gone. Start again from <a href="/">the front page</a> or <a href="/home">your console</a>.</p>
    </main>
  );
}

export function PageBroke({ error }: ErrorComponentProps) {
  return (
    <main className="plain-page">
      <h1>This page could not be shown</h1>
      <p>{error instanceof Error ? error.message : "An unknown error."}</p>
      <p>Reload the page. If the platform was just upgraded, reloading fetches the new version. Nothing that you started is affected.</p>
      <p><a href={typeof location === "undefined" ? "/" : location.href} target="_self" download={undefined}>Reload</a> · <a href="/">Front page</a></p>
    </main>
  );
}
