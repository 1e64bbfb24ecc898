import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import { fieldError } from "../../api/problem";
import type { Member, Session } from "../../api/types";
import { CreateDialog } from "../../ui/CreateDialog";
import { useAddMember, useChangeRole, type NewMember } from "./members-data";
import { roleName, rolesOn } from "./roles";

const WHOLE_TENANT = { value: "", label: "Whole tenant" };

interface AddProps { session: Session; projectId: string | undefined; onClose: () => void }

export function AddMember({ session, projectId, onClose }: AddProps) {
  const [email, setEmail] = useState("");
  const [on, setOn] = useState(projectId ?? "");
  const [role, setRole] = useState("member");
  const add = useAddMember();
  const places = [WHOLE_TENANT, ...session.projects.map(({ id, name }) => ({ value: id, label: `Project ${name}` }))];
  const choose = (next: string) => {
    setOn(next);
    if (!rolesOn(next || null).some(({ value }) => value === role)) setRole("member");
  };
  const body: NewMember = { email: email.trim(), role, ...(on ? { project_id: on } : {}) };
  return (
    <CreateDialog
      title="Add member" mutation={add} body={body} onClose={onClose}
      made={(member) => `${member.email} is ${member.state === "invited" ? "invited as" : "now"} ${roleName(member.role).toLowerCase()}`}
    >
      <FormField label="E-mail" constraintText="Somebody new here becomes a member with their next sign-in." errorText={fieldError(add.error, "email")}>
        <Input value={email} onChange={({ detail }) => setEmail(detail.value)} type="email" inputMode="email" spellcheck={false} autoFocus />
      </FormField>
      <FormField label="On" errorText={fieldError(add.error, "project_id")}>
        <Select options={places} selectedOption={places.find(({ value }) => value === on) ?? WHOLE_TENANT} onChange={({ detail }) => choose(detail.selectedOption.value ?? "")} />
      </FormField>
      <RoleField on={on || null} role={role} onChange={setRole} error={fieldError(add.error, "role")} />
    </CreateDialog>
  );
}

export function ChangeRole({ member, onClose }: { member: Member; onClose: () => void }) {
  const [role, setRole] = useState(member.role);
  const change = useChangeRole(member);
  const same = role === member.role;
  return (
    <CreateDialog
      title={`Change the role of ${member.email}`} action="Change role" mutation={change} body={role} onClose={onClose} disabledReason={same ? "Choose another role first." : undefined}
      made={(made) => `${made.email} is now ${roleName(made.role).toLowerCase()}`}
    >
      <RoleField on={member.project_id} role={role} onChange={setRole} error={fieldError(change.error, "role")} />
      <Alert type="info">Effective with their next request.</Alert>
    </CreateDialog>
  );
}

interface RoleFieldProps { on: string | null; role: string; onChange: (role: string) => void; error: string | undefined }

function RoleField({ on, role, onChange, error }: RoleFieldProps) {
  return (
    <FormField label="Role" errorText={error}>
      <RadioGroup value={role} onChange={({ detail }) => onChange(detail.value)} items={rolesOn(on)} />
    </FormField>
  );
}
