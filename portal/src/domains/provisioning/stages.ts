import type { StageWords } from "../../ui/StageTimeline";

export const START: StageWords[] = [
  { state: "requested", title: "Requested", doing: "Quota, credit and storage are reserved." },
  { state: "placing", title: "Placing", doing: "A free slot is being chosen." },
  { state: "preparing", title: "Preparing", doing: "Volumes are made ready on the node." },
  { state: "starting", title: "Starting", doing: "The sandbox starts and gets its own host key." },
  { state: "verifying", title: "Verifying access", doing: "We log in before you do. Billing has not started." },
  { state: "active", title: "Active", doing: "You can log in. Billing runs by the second." },
];
export const END: StageWords[] = [
  { state: "releasing", title: "Releasing", doing: "Access is cut. Billing has stopped." },
  { state: "stopping", title: "Stopping", doing: "The sandbox stops and volumes are detached." },
  { state: "settling", title: "Settling", doing: "The exact cost is posted, the rest of the hold goes back." },
  { state: "released", title: "Released", doing: "Done. The slot is erased before anyone else gets it." },
];
export const TERMINAL: ReadonlySet<string> = new Set(["active", "released", "refused", "failed"]);
