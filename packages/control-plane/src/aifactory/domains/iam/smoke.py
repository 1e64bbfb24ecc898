"""What an operator may ask of a running system about identity."""

from aifactory.kernel.manifest import SmokeCheck

PROOF = "iam/audit-does-not-verify"
SMOKE = (
    SmokeCheck("visitors are visitors", "/api/v3/auth/session", "sessions can be looked up in the database"),
    SmokeCheck(
        "your sign-in is accepted", "/api/v3/auth/session", "the session behind your token is known and alive",
        permission="signed_in", member="authenticated", equals=True, runbook="iam/nobody-can-sign-in",
    ),
    SmokeCheck("keys are guarded", "/api/v3/keys", "a visitor is refused before anything is read", 401),
    SmokeCheck("the audit log is guarded", "/api/v3/audit/verify", "a visitor cannot read the audit log", 401),
    SmokeCheck(
        "your audit log verifies", "/api/v3/audit/verify", "nobody changed a record of your tenant",
        permission="audit.read", member="ok", equals=True, runbook=PROOF,
    ),
    SmokeCheck(
        "the platform's audit log verifies", "/api/v3/admin/audit/verify", "nobody changed a record of the platform",
        permission="platform.audit.read", member="ok", equals=True, runbook=PROOF,
    ),
)  # fmt: skip
