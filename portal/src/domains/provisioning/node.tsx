import { useState } from "react";
import { useParams } from "@tanstack/react-router";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Node } from "../../api/types";
import { useNotify } from "../../shell/notices";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { DetailPage } from "../../ui/DetailPage";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { SimulatedBadge } from "../../ui/SimulatedBadge";
import { StateBadge } from "../../ui/StateBadge";
import { TelemetrySection } from "../observability/telemetry";
import { canDrain, canResume } from "./can";
import { useNode, useResume } from "./data";
import { DrainDialog } from "./drain";
import { ConditionsSection, DrainSection, FactsSection, HistorySection, SlotsSection } from "./node-sections";

export function Page() {
  const { id = "" } = useParams({ strict: false }) as { id?: string };
  const { data, error, isPending, refetch } = useNode(id);
  if (!data) return <DetailPage title="Node" pending={isPending} error={error} onRetry={() => void refetch()}>{null}</DetailPage>;
  return <NodePage node={data} />;
}

function NodePage({ node }: { node: Node }) {
  const [draining, setDraining] = useState(false);
  const notify = useNotify();
  const resume = useResume(node);
  const takeBack = () => resume.mutate(undefined, {
    onSuccess: () => notify({ type: "success", header: `${node.name} comes back`, content: "It is used again as soon as its slots are clean." }),
  });
  return (
    <DetailPage
      title={node.name}
      description={<span className="title-line"><StateBadge state={node.state} /><SimulatedBadge simulated={node.simulated} /><CopyId id={node.id} label="node id" /></span>}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <CanButton can={canResume(node)} loading={resume.isPending} onClick={takeBack}>Resume</CanButton>
          <CanButton can={canDrain(node)} onClick={() => setDraining(true)}>Drain</CanButton>
        </SpaceBetween>
      }
    >
      <ProblemAlert error={resume.error} />
      <DrainSection node={node} />
      <ConditionsSection node={node} />
      <FactsSection node={node} />
      <TelemetrySection subject={{ node_id: node.id }} live={node.state === "ready"} empty="The first figures come about 20 seconds after its agent started." />
      <SlotsSection nodeId={node.id} />
      <HistorySection node={node} />
      {draining && <DrainDialog node={node} onClose={() => setDraining(false)} />}
    </DetailPage>
  );
}
