"""/api/v3/auth: signing in and out with a browser, who am I, and why may I (not)."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from aifactory.domains.iam import facade
from aifactory.domains.iam.schemas import ExplanationAnswer, ProjectFilter, SessionAnswer
from aifactory.kernel.errors import Problem
from aifactory.kernel.routes import PUBLIC, SIGNED_IN, Db, Routes, TenantTx

router = Routes("iam", "/auth")
NO_STORE = {"Cache-Control": "no-store"}


@router.get("/login", permission=PUBLIC, tx=False, status_code=302, response_class=Response)
async def login(db: Db, request: Request, next: Annotated[str | None, Query(max_length=512)] = None) -> Response:
    """Begins a sign-in at the identity provider; afterwards the browser comes back to `next`, a path of the portal."""
    if not facade.at_public_address(request.headers.get("host", "")):
        path = facade.public_url() + "/api/v3/auth/login"
        return _redirect(path + ("?" + urlencode({"next": facade.safe_next(next)}) if next else ""))
    source = request.client.host if request.client else ""
    begun = await facade.begin_sign_in(db, next, request.cookies.get(facade.LOGIN_COOKIE, ""), source)
    answer = _redirect(begun.location)
    _set_cookie(answer, facade.LOGIN_COOKIE, begun.browser_secret, facade.ATTEMPT_SECONDS)
    return answer


@router.get("/callback", permission=PUBLIC, tx=False, status_code=303, response_class=Response)
async def callback(db: Db, request: Request) -> Response:
    """Where the identity provider sends the browser back to. A refusal goes to the sign-in page with its code."""
    try:
        signed_in = await facade.finish_sign_in(
            db,
            dict(request.query_params),
            request.cookies.get(facade.LOGIN_COOKIE, ""),
            request.cookies.get(facade.SESSION_COOKIE, ""),
            str(getattr(request.state, "request_id", "")),
        )
    except Problem as problem:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _redirect("/signin?" + urlencode({"error": problem.code}), 303)
    answer = _redirect(signed_in.next_path, 303)
    _set_cookie(answer, facade.SESSION_COOKIE, signed_in.session.token, facade.SESSION_SECONDS)
    return answer


@router.post("/logout", permission=PUBLIC, tx=False, status_code=204)
async def logout(db: Db, request: Request) -> Response:
    """Ends the session on the server. Without one, nothing happens."""
    await facade.close_session(db, request.state.principal)
    answer = Response(status_code=204, headers=NO_STORE | {"Clear-Site-Data": '"cache"'})
    _set_cookie(answer, facade.SESSION_COOKIE, "", 0)
    return answer


@router.get("/session", permission=PUBLIC, tx=False)
async def session(db: Db, request: Request, response: Response) -> SessionAnswer:
    """Who is signed in, in which tenant, and what they may do. `authenticated: false` for a visitor."""
    response.headers["Cache-Control"] = "no-store"
    view = await facade.session_view(db, request.state.principal)
    who = view.user
    return SessionAnswer(
        authenticated=view.authenticated,
        principal={"id": who.id, "email": who.email, "name": who.name, "kind": view.kind} if who else None,
        tenant=view.tenant,
        tenants=list(view.tenants),
        projects=list(view.projects),
        roles=list(view.roles),
        permissions=list(view.permissions),
        csrf_token=view.csrf_token,
        operator=view.operator,
    )


@router.get("/explain", permission=SIGNED_IN)
async def explain(
    tx: TenantTx,
    permission: Annotated[str, Query(min_length=1, max_length=80)],
    project_id: ProjectFilter = None,
) -> ExplanationAnswer:
    """Whether the caller may use a permission (on a project), because of what, with the evidence."""
    explanation = await facade.explain(tx, permission, project_id)
    return ExplanationAnswer.model_validate(explanation, from_attributes=True)


def _redirect(location: str, status: int = 302) -> Response:
    return Response(status_code=status, headers={"Location": location} | NO_STORE)


def _set_cookie(answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
