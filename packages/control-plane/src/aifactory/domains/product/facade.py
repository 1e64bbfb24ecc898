"""The door to product: launches while they are filled in. Each function is documented where it lives."""

from aifactory.domains.product.launch_drafts import (
    VISITOR_COOKIE,
    VISITOR_SECONDS,
    claim,
    create,
    delete,
    edit,
    forget_visitor,
    keep_for_visitor,
    list_drafts,
    of_visitor,
    show,
)
from aifactory.domains.product.store import LaunchDraftView, VisitorDraftView

__all__ = [
    "VISITOR_COOKIE",
    "VISITOR_SECONDS",
    "LaunchDraftView",
    "VisitorDraftView",
    "claim",
    "create",
    "delete",
    "edit",
    "forget_visitor",
    "keep_for_visitor",
    "list_drafts",
    "of_visitor",
    "show",
]
