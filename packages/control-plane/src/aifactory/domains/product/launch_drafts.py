"""Launches while they are filled in: kept as one types, found again on another machine, or after the sign-in.

A visitor's draft is held by a secret in a cookie. The first use after signing in makes it a draft of the tenant, of which
only its owner (the person, or the API key) knows. A draft is a working paper: it reserves nothing, and autosaving it is no
act to be proved; that it was made, taken over or thrown away is.
"""

import hashlib
import json
import re
import secrets
from dataclasses import dataclass

from aifactory.domains.product import store
from aifactory.domains.product.store import Form, LaunchDraftView, VisitorDraftView
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, invalid, not_found
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal
from aifactory.kernel.routes import check_etag

VISITOR_COOKIE = "__Host-aif_draft"
VISITOR_SECONDS = 24 * 3600
DRAFT_SECONDS = 30 * 24 * 3600
MOST_OF_AN_OWNER = 20
MOST_OF_VISITORS = 20_000
MAX_FORM_BYTES = 16 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_WHO = Principal.service("launch-drafts")


@dataclass(frozen=True)
class KeptForVisitor:
    """`token` goes into the visitor's cookie and nowhere else."""

    draft: VisitorDraftView
    token: str


async def list_drafts(tx: Tx, page: Page) -> list[LaunchDraftView]:
    """One more than the page holds, the last changed first."""
    return await store.listed(tx, _owner(tx), page)


async def create(tx: Tx, form: Form) -> LaunchDraftView:
    """A new draft of the caller. Of more than 20 the one that was left alone longest goes."""
    return await _insert(tx, _checked(form), "launch_draft.create")


async def show(tx: Tx, draft_id: str) -> LaunchDraftView:
    draft = await store.one(tx, draft_id, _owner(tx))
    if draft is None:
        raise not_found("launch draft", draft_id)
    return draft


async def edit(tx: Tx, draft_id: str, form: Form, if_match: str | None) -> LaunchDraftView:
    """412 when another tab has changed it since; its life starts anew."""
    known = await store.lock(tx, draft_id, _owner(tx))
    if known is None:
        raise not_found("launch draft", draft_id)
    check_etag(if_match, known.generation)
    changed = await store.update(tx, draft_id, _owner(tx), _checked(form), DRAFT_SECONDS)
    if changed is None:
        raise not_found("launch draft", draft_id)
    return changed


async def delete(tx: Tx, draft_id: str) -> None:
    if not await store.delete(tx, draft_id, _owner(tx)):
        raise not_found("launch draft", draft_id)
    await tx.audit("launch_draft.delete", draft_id)


async def keep_for_visitor(db: Database, token: str, form: Form) -> KeptForVisitor:
    """Under the visitor's own secret, or a fresh one. 429 `too_many_drafts` when visitors hold too many already."""
    form = _checked(form)
    async with db.tx("worker", _WHO) as tx:
        known = await _of_visitor(tx, token)
        if known is None and await store.count_of_visitors(tx) >= MOST_OF_VISITORS:
            raise _too_many()
        secret = token if known else secrets.token_urlsafe(32)
        kept = await store.keep_for_visitor(tx, _hash(secret), form, VISITOR_SECONDS)
    if kept is None:
        raise RuntimeError("an upsert gave no row")
    return KeptForVisitor(kept, secret)


async def of_visitor(db: Database, token: str) -> VisitorDraftView | None:
    async with db.tx("worker", _WHO) as tx:
        return await _of_visitor(tx, token)


async def forget_visitor(db: Database, token: str) -> None:
    if _TOKEN.fullmatch(token):
        async with db.tx("worker", _WHO) as tx:
            await store.take_from_visitor(tx, _hash(token))


async def claim(db: Database, who: Principal, token: str, request_id: str) -> LaunchDraftView | None:
    """The visitor's draft becomes one of the caller's, once. None when there is none."""
    if not _TOKEN.fullmatch(token) or who.tenant_id is None:
        return None
    async with db.tx("worker", who, who.tenant_id, request_id) as tx:
        draft = await store.take_from_visitor(tx, _hash(token))
        return await _insert(tx, draft.form, "launch_draft.claim") if draft else None


async def forget_expired(db: Database) -> None:
    async with db.tx("worker", _WHO) as tx:
        await store.forget_visitors(tx)


async def _insert(tx: Tx, form: Form, action: str) -> LaunchDraftView:
    owner = _owner(tx)
    made = await store.insert(tx, tx.ids.new("ldr"), owner, form, DRAFT_SECONDS)
    await store.make_room(tx, owner, MOST_OF_AN_OWNER)
    await tx.audit(action, made.id)
    return made


async def _of_visitor(tx: Tx, token: str) -> VisitorDraftView | None:
    return await store.of_visitor(tx, _hash(token)) if _TOKEN.fullmatch(token) else None


def _owner(tx: Tx) -> str:
    return tx.principal.key_id or tx.principal.id


def _hash(token: str) -> bytes:
    """The secret has 256 bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).digest()


def _checked(form: Form) -> Form:
    text = json.dumps(form, ensure_ascii=False)
    if len(text.encode()) > MAX_FORM_BYTES:
        raise invalid("form", f"A draft may take {MAX_FORM_BYTES} bytes.")
    if "PRIVATE KEY" in text:
        raise Problem(
            422,
            "private_key",
            "A private key is never kept",
            "The form holds what looks like a private key. It was not saved.",
            field="form",
            todo="Paste the public key, the file that ends in .pub. Replace the private key if it was shown to anyone.",
        )
    return form


def _too_many() -> Problem:
    return Problem(
        429,
        "too_many_drafts",
        "No more drafts of visitors can be kept now",
        "What you configure stays in this browser tab only.",
        todo="Sign in to keep it on the server.",
    )
