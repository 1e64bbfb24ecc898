import { useState, type ReactNode } from "react";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { readChoice, writeChoice } from "../../api/client";
import { CommandBlock } from "../../ui/CommandBlock";
import { toCommand, toCurl, type LaunchForm, type Names } from "./launch-form";

const OPEN = "aifactory.launch-same";

/** The launch so far as a command and as a request, on every step. Who opens it once has it open from then on. */
export function SameElsewhere({ form, names }: { form: LaunchForm; names: Names }) {
  const [open, setOpen] = useState(() => readChoice(OPEN) !== null);
  const origin = globalThis.location?.origin ?? "";
  const signIn = { label: "Command that signs in", text: `aif login --host ${origin}` };
  const setKey = { label: "Command that sets the key", text: "export AIF_API_KEY=…" };
  return (
    <ExpandableSection
      variant="container" expanded={open}
      onChange={({ detail }) => { setOpen(detail.expanded); writeChoice(OPEN, detail.expanded ? "open" : null); }}
      headerText="The same from a terminal or a program" headerDescription="It does exactly the same, and changes with your choices."
    >
      <Tabs
        ariaLabel="The same from a terminal or a program"
        tabs={[
          { id: "cli", label: "Command line", content: <Commands first={signIn} firstIs="Once on each machine:" then={{ label: "Command for this launch", text: toCommand(form, names) }} /> },
          { id: "api", label: "API", content: <Commands first={setKey} firstIs={<>With a key from <Link href="/keys">API keys</Link>:</>} then={{ label: "Request for this launch", text: toCurl(form, origin) }} /> },
        ]}
      />
    </ExpandableSection>
  );
}

interface Command { label: string; text: string }

function Commands({ first, firstIs, then }: { first: Command; firstIs: ReactNode; then: Command }) {
  return (
    <SpaceBetween size="xs">
      <span>{firstIs}</span>
      <CommandBlock {...first} />
      <span>Then:</span>
      <CommandBlock {...then} />
    </SpaceBetween>
  );
}
