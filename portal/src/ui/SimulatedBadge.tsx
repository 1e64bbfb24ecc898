import Badge from "@cloudscape-design/components/badge";

/** What has no hardware behind it says so wherever it is shown. */
export function SimulatedBadge({ simulated }: { simulated: boolean | undefined }) {
  return simulated ? <Badge color="severity-medium">Simulated</Badge> : null;
}
