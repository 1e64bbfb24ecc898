import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Access, Allocation } from "../../api/types";
import { CommandBlock } from "../../ui/CommandBlock";
import { canConnect } from "./can";

export function AccessSection({ allocation }: { allocation: Allocation }) {
  const can = canConnect(allocation);
  return (
    <Container header={<Header variant="h2">Log in</Header>}>
      {can.yes && allocation.access
        ? <Ssh access={allocation.access} allocation={allocation} />
        : <Box color="text-body-secondary">{can.yes ? "Access is being read." : can.because}</Box>}
    </Container>
  );
}

function Ssh({ access: { ssh }, allocation }: { access: Access; allocation: Allocation }) {
  const where = ssh.port === 22 ? ssh.host : `[${ssh.host}]:${ssh.port}`;
  return (
    <SpaceBetween size="s">
      <CommandBlock label="SSH command" text={ssh.command} />
      <Box color="text-body-secondary">With the <code>aif</code> command the host key is checked for you: <code>aif ssh {allocation.name}</code></Box>
      <ExpandableSection headerText="Check the host key yourself">
        <SpaceBetween size="s">
          <Box>This key came to us from the node when the machine was made. Save it, and SSH refuses anyone who pretends to be this machine.</Box>
          <CommandBlock label="Command that saves the host key" text={`echo '${where} ${ssh.host_key}' >> ~/.ssh/known_hosts`} />
        </SpaceBetween>
      </ExpandableSection>
    </SpaceBetween>
  );
}
