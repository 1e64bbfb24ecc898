import Badge from "@cloudscape-design/components/badge";
import Popover from "@cloudscape-design/components/popover";
import type { Isolation } from "../api/types";
import { IsolationFacts, sharedText } from "./isolation";

/** How tenants are kept apart on this hardware, including what is NOT kept apart. Never prettier than the truth. */
export function IsolationLabel({ isolation }: { isolation: Isolation | null | undefined }) {
  if (!isolation) return <Badge color="grey">Isolation not reported</Badge>;
  return (
    <Popover
      header={`Isolation by ${isolation.driver}`}
      size="large"
      triggerType="text"
      dismissAriaLabel="Close"
      content={<IsolationFacts isolation={isolation} />}
    >
      {isolation.driver}{sharedText(isolation)}
    </Popover>
  );
}
