import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { Webhook } from "../../api/types";

/** Whether the last message arrived, in the words of its condition. */
export function Receiving({ webhook }: { webhook: Webhook }) {
  const condition = webhook.conditions.find(({ type }) => type === "Receiving");
  if (!condition || condition.status === "Unknown") return <StatusIndicator type="pending">Nothing sent yet</StatusIndicator>;
  return <StatusIndicator type={condition.status === "True" ? "success" : "error"}>{condition.status === "True" ? "Received" : condition.message}</StatusIndicator>;
}
