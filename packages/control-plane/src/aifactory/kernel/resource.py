"""What all resources have in common on the wire."""

from typing_extensions import TypedDict  # typing's own cannot be read by pydantic before Python 3.12


class Condition(TypedDict):
    """A fact about a resource beside its state. `since` is RFC 3339; `status` is True, False or Unknown, as text."""

    type: str
    status: str
    reason: str
    message: str
    since: str
