import { useState } from "react";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useSession } from "../../api/client";
import { fieldError } from "../../api/problem";
import type { Project } from "../../api/types";
import { CanButton } from "../../ui/Can";
import { CopyId } from "../../ui/CopyId";
import { CreateDialog } from "../../ui/CreateDialog";
import { EmptyState } from "../../ui/EmptyState";
import { ListPage, type Column } from "../../ui/ListPage";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { QuotaGauge } from "../../ui/QuotaGauge";
import { RelativeTime } from "../../ui/RelativeTime";
import { useOpenForm } from "../../ui/useOpenForm";
import { canCreateProject } from "./can";
import { useCreate, useProjects, useQuotas, useTenantQuotas } from "./data";

const columns: Column<Project>[] = [
  { id: "name", header: "Name", isRowHeader: true, value: (project) => project.name, cell: (project) => project.name, minWidth: 150 },
  { id: "created", header: "Created", value: (project) => project.created_at, cell: (project) => <RelativeTime at={project.created_at} /> },
  { id: "id", header: "Id", value: (project) => project.id, cell: (project) => <CopyId id={project.id} label="project id" short />, minWidth: 160 },
];

export function Page() {
  const session = useSession();
  const list = useProjects();
  const [creating, setCreating] = useOpenForm();
  return (
    <SpaceBetween size="l">
      <ListPage<Project>
        title="Projects and quotas" noun="projects" description="A project groups machines, cost and people. Quotas limit what it may use at once."
        list={list} columns={columns} itemKey={(project) => project.id}
        empty={<EmptyState title="No project yet">Your first project is made when you first sign in. If there is none, ask your operator.</EmptyState>}
        actions={() => <CanButton can={canCreateProject(session.permissions)} variant="primary" onClick={() => setCreating(true)}>Create project</CanButton>}
      />
      <Quotas projects={list.items} />
      {creating && <CreateProject onClose={() => setCreating(false)} />}
    </SpaceBetween>
  );
}

function Quotas({ projects }: { projects: Project[] }) {
  const { data: quotas = [], error } = useQuotas();
  const { data: together = [] } = useTenantQuotas();
  if (error) return <ProblemAlert error={error} doing="Quotas could not be loaded" />;
  return (
    <SpaceBetween size="l">
      {together.length > 0 && projects.length > 1 && (
        <Container header={<Header variant="h2" description="A new project brings no more: it takes its share of this.">Quota of all projects together</Header>}>
          <SpaceBetween size="m">{together.map((quota) => <QuotaGauge key={quota.resource} quota={quota} />)}</SpaceBetween>
        </Container>
      )}
      {projects.map((project) => {
        const own = quotas.filter((quota) => quota.project_id === project.id);
        return (
          <Container key={project.id} header={<Header variant="h2">Quota of {project.name}</Header>}>
            {own.length === 0 ? "No limit is set." : <SpaceBetween size="m">{own.map((quota) => <QuotaGauge key={quota.resource} quota={quota} />)}</SpaceBetween>}
          </Container>
        );
      })}
    </SpaceBetween>
  );
}

function CreateProject({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const create = useCreate<Project, "/api/v3/projects">("/api/v3/projects");
  return (
    <CreateDialog title="Create project" mutation={create} body={{ name }} made={(project) => `Project ${project.name} is created`} onClose={onClose}>
      <FormField label="Name" constraintText="Small letters, digits and dashes." errorText={fieldError(create.error, "name")}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}
