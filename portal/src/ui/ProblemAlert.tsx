import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { ProblemError } from "../api/problem";

interface Props { error: unknown; doing?: string; onRetry?: () => void }

/** What went wrong, why, and what to do next, where it happened. */
export function ProblemAlert({ error, doing, onRetry }: Props) {
  if (!error) return null;
  const details = error instanceof ProblemError ? error.details : null;
  const title = details?.title ?? "Something in the portal broke";
  const detail = details ? details.detail : String(error instanceof Error ? error.message : error);
  return (
    <Alert
      type="error"
      header={doing ? `${doing}: ${title}` : title}
      action={onRetry && <Button onClick={onRetry}>Try again</Button>}
    >
      {detail && <p className="problem-line">{detail}</p>}
      {details?.todo && <p className="problem-line"><strong>What to do:</strong> {details.todo}</p>}
      {details?.errors && details.errors.length > 0 && (
        <ul className="problem-fields">
          {details.errors.map((item) => <li key={item.field + item.code}><code>{item.field}</code> {item.detail}</li>)}
        </ul>
      )}
      {details?.request_id && <p className="problem-reference">Reference for support: <code>{details.request_id}</code></p>}
    </Alert>
  );
}
