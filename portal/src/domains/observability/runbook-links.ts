const PATH = /([a-z_]+)\/runbooks\/([a-z0-9-]+)(?:\.md)?$/;

/** Where the portal shows a runbook, from its path in the repository, its address in the API, or a link in another one. */
export function runbookHref(path: string | null | undefined, domain?: string): string | undefined {
  if (!path) return undefined;
  const served = /\/api\/v3\/runbooks\/([a-z_]+)\/([a-z0-9-]+)$/.exec(path) ?? PATH.exec(path);
  if (served) return `/admin/runbooks/${served[1]}/${served[2]}`;
  const beside = /^([a-z0-9-]+)\.md$/.exec(path);
  return beside && domain ? `/admin/runbooks/${domain}/${beside[1]}` : undefined;
}
