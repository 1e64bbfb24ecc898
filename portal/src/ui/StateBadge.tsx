import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

const LOOK: Record<string, StatusIndicatorProps.Type> = {
  requested: "pending", placing: "in-progress", preparing: "in-progress", starting: "in-progress",
  verifying: "in-progress", active: "success", releasing: "in-progress", stopping: "in-progress",
  settling: "in-progress", released: "stopped", refused: "warning", failed: "error",
  running: "success", exited: "stopped", stopped: "stopped",
  available: "success", attached: "success", creating: "in-progress", deleting: "in-progress", deleted: "stopped",
  ready: "success", online: "success", offline: "error", unreachable: "error", draining: "warning", emptying: "in-progress", maintenance: "stopped", returning: "in-progress",
  in_service: "success", answering: "success", not_answering: "error", switched_off: "stopped", retired: "stopped",
  allocated: "info", occupied: "info", clean: "success", ok: "success", down: "error", open: "error", resolved: "success",
  applying: "in-progress", applied: "success", detaching: "in-progress", detached: "stopped", opening: "in-progress", published: "success", closed: "stopped",
  replayed: "success", reserved: "info", dirty: "warning", sanitizing: "in-progress", quarantined: "error",
  enrolled: "success", revoked: "stopped", expired: "warning", valid: "success", pending: "pending",
  intended: "in-progress", granting: "in-progress", revoking: "in-progress", allowed: "success", denied: "error", degraded: "warning", healthy: "success",
  offered: "success", withdrawn: "stopped", current: "success", behind: "warning", never_heard_of: "pending",
  waiting: "in-progress", delivered: "success", dead: "error", off: "stopped",
  burning: "warning", exhausted: "error", no_data: "pending", too_few: "pending", not_measured: "stopped", in_use: "success", left_alone: "warning", suspended: "error", member: "success", invited: "pending",
};

/** The state of anything, in words first; the colour only repeats what the word says. Unknown states are shown as they are. */
export function StateBadge({ state }: { state: string }) {
  return <StatusIndicator type={LOOK[state] ?? "info"}>{sentence(state)}</StatusIndicator>;
}

function sentence(state: string): string {
  const words = state.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
