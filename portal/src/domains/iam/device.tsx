import { useState, type FormEvent } from "react";
import { useMutation } from "@tanstack/react-query";
import { useSession } from "../../api/client";
import { answer, api } from "../../api/http";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { usePageTitle } from "../../ui/page-name";
import { useSearchParam } from "../../ui/useSearchParam";

export function Page() {
  usePageTitle("Approve a command line");
  const [given] = useSearchParam("user_code");
  const [code, setCode] = useState(given ?? "");
  const session = useSession();
  const approve = useMutation({ mutationFn: () => answer<unknown>(api.POST("/api/v3/auth/device/approve", { body: { user_code: code.trim().toUpperCase() } })) });
  const submit = (event: FormEvent) => { event.preventDefault(); approve.mutate(); };
  if (approve.isSuccess) {
    return (
      <div className="public-width narrow">
        <h1>The command line is signed in</h1>
        <p role="status">Go back to your terminal: it continues by itself. You can close this page or <a href="/home">open the console</a>.</p>
      </div>
    );
  }
  return (
    <div className="public-width narrow">
      <h1>Approve a command line</h1>
      <p>A terminal asked to sign in as <strong>{session.principal?.email}</strong>. Approve only if you have just typed <code>aif login</code> yourself and the code is the one your terminal shows.</p>
      <form className="quote-form" onSubmit={submit}>
        <label>Code from your terminal
          <input value={code} onChange={(event) => setCode(event.target.value)} required autoComplete="off" spellCheck={false} placeholder="ABCD-EFGH" />
        </label>
        <button type="submit" className="cta" disabled={approve.isPending || code.trim() === ""}>{approve.isPending ? "Approving…" : "Approve"}</button>
      </form>
      <ProblemAlert error={approve.error} doing="Not approved" />
    </div>
  );
}
