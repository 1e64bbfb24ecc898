import { useParams } from "@tanstack/react-router";
import Container from "@cloudscape-design/components/container";
import { DetailPage } from "../../ui/DetailPage";
import { RunbookText } from "./RunbookText";

export function Page() {
  const { domain = "", name = "" } = useParams({ strict: false }) as { domain?: string; name?: string };
  return (
    <DetailPage title="Runbook" description={<>Written and kept by <code>{domain}</code></>}>
      <Container><RunbookText domain={domain} name={name} /></Container>
    </DetailPage>
  );
}
