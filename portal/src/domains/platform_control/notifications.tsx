import { useState } from "react";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import Textarea from "@cloudscape-design/components/textarea";
import { fieldError } from "../../api/problem";
import type { Preference } from "../../api/types";
import { CreateDialog } from "../../ui/CreateDialog";
import { DetailPage } from "../../ui/DetailPage";
import { RelativeTime } from "../../ui/RelativeTime";
import { usePreferences, useSetPreference } from "./data";

export function Page() {
  const { data, error, isPending, refetch } = usePreferences();
  const [editing, setEditing] = useState<Preference | null>(null);
  return (
    <DetailPage title="Notifications" description="Who of your tenant is told by mail when something needs a person." pending={isPending} error={error} onRetry={() => void refetch()}>
      {data && !data.mail_enabled && <Alert type="info" header="No mail is sent">This installation has no mail server. What you set here is kept for when it has one.</Alert>}
      {data && (
        <Table<Preference>
          variant="container" wrapLines items={data.items} trackBy="kind" header={<Header variant="h2">By mail</Header>} ariaLabels={{ tableLabel: "Notifications by mail" }}
          columnDefinitions={[
            { id: "kind", header: "Tells that", isRowHeader: true, cell: (item) => sentence(item.about), minWidth: 280 },
            { id: "to", header: "Told", cell: (item) => item.recipients.join(", ") || "Nobody", minWidth: 220 },
            { id: "changed", header: "Changed", cell: (item) => <RelativeTime at={item.updated_at} never="Never" /> },
            { id: "edit", header: "Action", cell: (item) => <Button variant="inline-link" ariaLabel={`Change who is told that ${item.about}`} onClick={() => setEditing(item)}>Change</Button> },
          ]}
        />
      )}
      {editing && <Recipients preference={editing} onClose={() => setEditing(null)} />}
    </DetailPage>
  );
}

function Recipients({ preference, onClose }: { preference: Preference; onClose: () => void }) {
  const [text, setText] = useState(preference.recipients.join("\n"));
  const set = useSetPreference();
  const recipients = text.split(/[\s,;]+/).filter(Boolean);
  return (
    <CreateDialog title="Change recipients" action="Save" mutation={set} body={{ kind: preference.kind, recipients }} made={() => "Recipients are changed"} onClose={onClose}>
      <FormField label={`Told that ${preference.about}`} constraintText="One address a line, at most ten. Empty: nobody." errorText={fieldError(set.error, "recipients")}>
        <Textarea value={text} rows={5} onChange={({ detail }) => setText(detail.value)} spellcheck={false} />
      </FormField>
    </CreateDialog>
  );
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
