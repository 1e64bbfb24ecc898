"""/api/v3/launch-drafts: a launch while it is filled in, by a visitor (held by a cookie) or by a member of a tenant."""

from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aifactory.domains.product import facade
from aifactory.domains.product.facade import LaunchDraftView, VisitorDraftView
from aifactory.kernel.pagination import PageQuery, page_of
from aifactory.kernel.routes import PUBLIC, Db, IfMatch, Routes, TenantTx, etag_of

router = Routes("product", "/launch-drafts")
NO_NUL = r"^[^\x00]*$"
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(max_length=8192, pattern=NO_NUL)]
Choices = Annotated[list[Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]], Field(max_length=32)]
DraftId = Annotated[str, Path(max_length=80, pattern=NO_NUL)]


class DraftWrite(BaseModel):
    """The form's fields by name, as typed: text, or a list of choices. 16 KiB at most, and never a private key."""

    model_config = ConfigDict(extra="forbid")

    form: dict[FieldName, Text | Choices] = Field(max_length=40)


class DraftPage(BaseModel):
    items: list[LaunchDraftView]
    next_cursor: str | None


class VisitorDraftAnswer(BaseModel):
    """`draft` is null when this browser holds none."""

    draft: VisitorDraftView | None


class ClaimAnswer(BaseModel):
    """`draft` is null when this browser brought none along."""

    draft: LaunchDraftView | None


@router.get("", permission="allocation.create", response_model=DraftPage)
async def list_launch_drafts(tx: TenantTx, page: PageQuery) -> dict[str, Any]:
    """The caller's own, the last changed first."""
    return page_of(await facade.list_drafts(tx, page), page, lambda draft: (draft.updated_at, draft.id))


@router.post("", permission="allocation.create", status_code=201)
async def create_launch_draft(body: DraftWrite, tx: TenantTx, response: Response) -> LaunchDraftView:
    """Kept for 30 days after its last change. Of more than 20 the one left alone longest goes."""
    return _with_etag(await facade.create(tx, body.form), response)


@router.post("/claim", permission="allocation.create", tx=False)
async def claim_launch_draft(db: Db, request: Request, response: Response) -> ClaimAnswer:
    """What this browser configured before signing in becomes a draft of the caller, once."""
    token = _token(request)
    draft = await facade.claim(db, request.state.principal, token, str(getattr(request.state, "request_id", "")))
    if token:
        _set_cookie(response, "", 0)
    return ClaimAnswer(draft=draft)


@router.get("/visitor", permission=PUBLIC, tx=False)
async def show_visitor_draft(db: Db, request: Request, response: Response) -> VisitorDraftAnswer:
    """What this browser configured without signing in."""
    response.headers["Cache-Control"] = "no-store"
    return VisitorDraftAnswer(draft=await facade.of_visitor(db, _token(request)))


@router.put("/visitor", permission=PUBLIC, tx=False)
async def keep_visitor_draft(body: DraftWrite, db: Db, request: Request, response: Response) -> VisitorDraftAnswer:
    """One for each browser, kept for 24 hours after its last change. 429 `too_many_drafts` when too many are kept."""
    kept = await facade.keep_for_visitor(db, _token(request), body.form)
    _set_cookie(response, kept.token, facade.VISITOR_SECONDS)
    return VisitorDraftAnswer(draft=kept.draft)


@router.delete("/visitor", permission=PUBLIC, tx=False, status_code=204)
async def delete_visitor_draft(db: Db, request: Request, response: Response) -> None:
    await facade.forget_visitor(db, _token(request))
    _set_cookie(response, "", 0)


@router.get("/{draft_id}", permission="allocation.create")
async def show_launch_draft(draft_id: DraftId, tx: TenantTx, response: Response) -> LaunchDraftView:
    return _with_etag(await facade.show(tx, draft_id), response)


@router.put("/{draft_id}", permission="allocation.create")
async def edit_launch_draft(
    draft_id: DraftId, body: DraftWrite, tx: TenantTx, response: Response, if_match: IfMatch
) -> LaunchDraftView:
    """412 when another tab has changed it since."""
    return _with_etag(await facade.edit(tx, draft_id, body.form, if_match), response)


@router.delete("/{draft_id}", permission="allocation.create", status_code=204)
async def delete_launch_draft(draft_id: DraftId, tx: TenantTx) -> None:
    """Gone for good: a draft leaves no tombstone."""
    await facade.delete(tx, draft_id)


def _token(request: Request) -> str:
    return request.cookies.get(facade.VISITOR_COOKIE, "")


def _set_cookie(response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        facade.VISITOR_COOKIE, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def _with_etag(draft: LaunchDraftView, response: Response) -> LaunchDraftView:
    response.headers["ETag"] = etag_of(draft.generation)
    return draft
