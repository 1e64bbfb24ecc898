import type { ReactNode } from "react";
import Box from "@cloudscape-design/components/box";
import Link from "@cloudscape-design/components/link";

/** One number that a page is about, with its name; `href` leads to where it comes from. */
export function Figure({ label, href, children }: { label: string; href?: string; children: ReactNode }) {
  return (
    <div>
      <Box color="text-body-secondary">{href ? <Link href={href}>{label}</Link> : label}</Box>
      <div className="big-number">{children}</div>
    </div>
  );
}
