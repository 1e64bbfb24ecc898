import { useSearchParam } from "../../ui/useSearchParam";
import { usePageTitle } from "../../ui/page-name";
import { useSession } from "../../api/client";

const REASONS: Record<string, string> = {
  sign_in_refused: "The identity provider's answer did not fit the sign-in that you began here. Start it again.",
  email_not_verified: "Your identity provider has not verified your email address. Verify it there, then sign in again.",
  access_denied: "The identity provider did not let you in. If you pressed cancel, just try again.",
  invalid_state: "That sign-in was started in another tab or took too long. Start it again here.",
  expired: "Your session has ended. Sign in again to go on where you were.",
  unknown_user: "This account is not known here. Ask your tenant's owner to invite you.",
};

export function Page() {
  usePageTitle("Sign in");
  return import.meta.env.SSR ? <SignIn next="/home" error={undefined} /> : <LiveSignIn />;
}

function LiveSignIn() {
  const [next] = useSearchParam("next");
  const [error] = useSearchParam("error");
  const session = useSession();
  if (session.authenticated) {
    return (
      <div className="public-width narrow">
        <h1>You are signed in</h1>
        <p>As {session.principal?.email}. <a href={safeNext(next)}>Go on</a>.</p>
      </div>
    );
  }
  return <SignIn next={safeNext(next)} error={error} />;
}

function SignIn({ next, error }: { next: string; error: string | undefined }) {
  return (
    <div className="public-width narrow">
      <h1>Sign in</h1>
      {error && <p className="notice notice-bad" role="alert">{REASONS[error] ?? `Signing in did not work (${error}). Try again.`}</p>}
      <p>You sign in with your organisation's identity provider. The portal never sees your password and keeps no token.</p>
      {next.startsWith("/launch") && <p className="notice">Your launch is kept. You come back to it, filled in as you left it.</p>}
      <p><a className="cta cta-large cta-wide" href={`/api/v3/auth/login?next=${encodeURIComponent(next)}`}>Continue with single sign-on</a></p>
      <p className="muted">Only looking? <a href="/catalog">The catalogue</a> and <a href="/pricing">prices</a> need no account.</p>
    </div>
  );
}

/** Only a path of this site: an address from outside must not decide where a signed-in user lands. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith("/signin") ? next : "/home";
}
