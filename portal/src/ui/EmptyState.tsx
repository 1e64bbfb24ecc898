import type { ReactNode } from "react";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";

interface Props { title: string; children: ReactNode; action?: { text: string; href?: string; onClick?: () => void } }

/** Nothing here yet: says what would be here and how to get the first one. */
export function EmptyState({ title, children, action }: Props) {
  return (
    <Box textAlign="center" margin={{ vertical: "l" }} color="inherit">
      <SpaceBetween size="s">
        <Box variant="strong" color="inherit">{title}</Box>
        <Box color="text-body-secondary">{children}</Box>
        {action && <Button href={action.href} onClick={action.onClick}>{action.text}</Button>}
      </SpaceBetween>
    </Box>
  );
}
