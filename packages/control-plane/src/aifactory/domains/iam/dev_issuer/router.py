"""The development issuer's endpoints, mounted at /dev-issuer: discovery, authorize, token, keys."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey

from aifactory.domains.iam.adapters.issuer import is_loopback
from aifactory.domains.iam.dev_issuer import page
from aifactory.domains.iam.dev_issuer.codes import Authorization, Codes
from aifactory.domains.iam.dev_issuer.loopback import refuse_unless_loopback
from aifactory.domains.iam.installation import DEVELOPMENT_ISSUER_PATH, Installation
from aifactory.domains.iam.oidc import at_hash_of, challenge_of
from aifactory.domains.iam.secret_token import new_token
from aifactory.domains.iam.seed import ADMIN, DEMO, OTHER, SEEDED
from aifactory.kernel.clock import Clock, SystemClock
from aifactory.kernel.errors import Problem
from aifactory.kernel.settings import Settings

TOKEN_SECONDS = 300
PEOPLE = (
    (DEMO.email, "a tenant's user, with promotional credit"),
    (OTHER.email, "a user of another tenant"),
    (ADMIN.email, "an operator of the platform"),
)
_ASKED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
_MAX_VALUE = 512


def development_issuer(settings: Settings) -> APIRouter:
    """The router to mount. Ends the process unless everything is loopback."""
    refuse_unless_loopback(settings)
    provider = Provider(Installation.of(settings), SystemClock())
    router = APIRouter(
        prefix=DEVELOPMENT_ISSUER_PATH, include_in_schema=False, dependencies=[Depends(_refuse_foreign_host)]
    )
    for method, path, endpoint in (
        ("GET", "/.well-known/openid-configuration", provider.discovery),
        ("GET", "/jwks", provider.jwks),
        ("GET", "/authorize", provider.show_page),
        ("POST", "/authorize", provider.authorize),
        ("POST", "/token", provider.token),
    ):
        router.add_api_route(path, endpoint, methods=[method], response_model=None)
    return router


class Provider:
    """Its signing key lives as long as the process: nothing is on disk, and a restart only ends half-done sign-ins."""

    def __init__(self, here: Installation, clock: Clock) -> None:
        self.here = here
        self._clock = clock
        self._codes = Codes(clock.now)
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)

    async def discovery(self) -> Response:
        base = self.here.issuer
        return JSONResponse(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
                "scopes_supported": ["openid", "email", "profile"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def show_page(self, request: Request) -> Response:
        asked = dict(request.query_params)
        wrong = self._wrong(asked)
        if wrong:
            return HTMLResponse(page.explain(wrong), 400, page.HEADERS)
        hidden = {name: asked[name] for name in _ASKED if name in asked}
        return HTMLResponse(page.choose_person(PEOPLE, hidden), headers=page.HEADERS)

    async def authorize(self, request: Request) -> Response:
        form = await _form(request)
        email = form.get("email", "").strip().lower()
        wrong = self._wrong(form)
        if not wrong and email not in [person.email for person in SEEDED]:
            wrong = f"Nobody here has the address {email!r}. Known are {', '.join(p.email for p in SEEDED)}."
        if wrong:
            return HTMLResponse(page.explain(wrong), 400, page.HEADERS)
        code = self._codes.issue(
            email, form["client_id"], form["redirect_uri"], form.get("nonce", ""), form["code_challenge"]
        )
        answer = urlencode({"code": code, "state": form.get("state", ""), "iss": self.here.issuer})
        return Response(status_code=303, headers={"Location": f"{form['redirect_uri']}?{answer}"} | page.HEADERS)

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type")
        found = self._codes.redeem(form.get("code", ""))
        proven = found is not None and challenge_of(form.get("code_verifier", "")) == found.code_challenge
        if (
            found is None
            or not proven
            or (form.get("client_id"), form.get("redirect_uri")) != (found.client_id, found.redirect_uri)
        ):
            return _error("invalid_grant")
        access_token = new_token("dev")
        content = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": self._id_token(found, access_token),
        }
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    def _id_token(self, found: Authorization, access_token: str) -> str:
        now = int(self._clock.now().timestamp())
        name = next(person.name for person in SEEDED if person.email == found.email)
        claims: dict[str, Any] = {
            "iss": self.here.issuer,
            "sub": found.email,
            "aud": found.client_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "nonce": found.nonce,
            "at_hash": at_hash_of(access_token, "ES256"),
            "email": found.email,
            "email_verified": True,
            "name": name,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)

    def _wrong(self, asked: Mapping[str, str]) -> str:
        """What is wrong with an authorization request; it is never answered by a redirect to an unknown address."""
        if any(len(value) > _MAX_VALUE for value in asked.values()):
            return "The request is too long."
        if asked.get("client_id") != self.here.client_id or asked.get("redirect_uri") != self.here.callback_url:
            return "The request does not come from this platform."
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return "Only the OpenID Connect code flow is offered."
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            return "A PKCE challenge (S256) is needed."
        return ""


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body())[:16_384].decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=50))


async def _refuse_foreign_host(request: Request) -> None:
    """A rebound name would let a web page play with this provider."""
    if not is_loopback(request.url.hostname or ""):
        raise Problem(421, "unknown_host", "This provider answers on this machine only", field="Host")


def _error(code: str) -> Response:
    return JSONResponse({"error": code}, 400, {"Cache-Control": "no-store"})
