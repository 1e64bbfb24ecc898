"""What Schemathesis may find and was decided to be right. These lists only become shorter, or are argued in review."""

import ast
from collections.abc import Iterator

from architecture.tree import production, syntax


def _refused_by_domains() -> Iterator[str]:
    """The codes that domains give to `kernel.errors.invalid`: rules that somebody wrote down, and that a schema cannot say."""
    for name in production():
        for node in ast.walk(syntax(name)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "invalid":
                yield from (ast.literal_eval(part.value) for part in node.keywords if part.arg == "code")


# Refusals by rules that a schema does not say: of what fits the schema, only these may still be refused.
BEYOND_SCHEMA = {
    *_refused_by_domains(),
    # what was named is not there, or not any more
    "authorization_pending",
    "expired_token",
    "stale_etag",
    "unknown_event_type",
    "unknown_kind",
    # a text with a grammar of its own, or two members that must fit each other
    "address_not_allowed",
    "foreign_ssh_host",
    "invalid_field",
    "invalid_next",
    "int_type",  # a schema calls 693.0 a whole number, and we do not
    # asked more often than the answer before allowed
    "slow_down",
    # money: what is in the wallet, and floats of more digits than money has
    "decimal_max_digits",
    "decimal_max_places",
    "decimal_whole_digits",
    "greater_than",  # of a number that was sent as text: a schema bounds only numbers
    "less_than_equal",
    "insufficient_credit",
    "payment_method_required",
}
# (operation, check) -> why what it finds is right.
DECIDED = {
    ("POST /internal/v3/telemetry", "negative_data_rejection"): "the next integer above 2**60 is 2**60 as a float",
}
# Nobody gets through here, because more than a request from the contract is needed for it.
NOT_REACHED = {
    "GET /api/v3/auth/callback": "only the identity provider sends a browser there",
    "POST /api/v3/admin/slots/{slot_id}/sanitize": "only a quarantined slot is cleaned again",
    "POST /api/v3/auth/device/approve": "only a browser's session approves",
    "POST /api/v3/auth/device/deny": "only a browser's session denies",
    "POST /api/v3/auth/device/token": "only an approved code is exchanged",
    "POST /api/v3/instances/{instance_id}/open": "only an app with a web page is opened",
    "POST /api/v3/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": "only a delivery that was given up is repeated",
    "POST /internal/v3/tasks/{task_id}/result": "only a task that was given is answered",
}
