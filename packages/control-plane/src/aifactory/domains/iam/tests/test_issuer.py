"""A real issuer's people: the adapter's refusals, and who a stranger becomes. The issuer here is a fake that speaks HTTP."""

import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from aifactory.domains.iam import installation, sign_in
from aifactory.domains.iam.adapters.issuer import Issuer
from aifactory.domains.iam.quotas import DEFAULT_LIMITS
from aifactory.kernel.clock import SystemClock
from aifactory.kernel.errors import Problem

URL, CLIENT = "https://issuer.example/realm", "aifactory"


class FakeIssuer:
    """Answers like a provider; `spoil` changes one of its documents."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"use": "sig"}, private=True, auto_kid=True)
        self.document: dict[str, Any] = {
            "issuer": URL,
            "authorization_endpoint": URL + "/authorize",
            "token_endpoint": URL + "/token",
            "jwks_uri": URL + "/keys",
        }
        self.claims: dict[str, Any] = {
            "sub": "s-1",
            "email": "ada@company.example",
            "email_verified": True,
            "name": "Ada",
        }
        self.nonce = ""
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.answers: dict[str, httpx.Response] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rpartition("/")[2]
        self.asked.append((path, parse_qs(request.content.decode())))
        if path in self.answers:
            return self.answers[path]
        if path == "openid-configuration":
            return httpx.Response(200, json=self.document)
        if path == "keys":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False), {"kty": "oct", "k": "AAAA"}]})
        return httpx.Response(200, json={"id_token": self.id_token(), "access_token": "a", "token_type": "Bearer"})

    def id_token(self) -> str:
        now = int(SystemClock().now().timestamp())
        claims = {"iss": URL, "aud": CLIENT, "nonce": self.nonce, "iat": now, "exp": now + 60} | self.claims
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)


@pytest.fixture
def fake(secrets_dir, tmp_path):
    fake = FakeIssuer()
    house = installation.Installation(
        "https://portal.example", secrets_dir, tmp_path, oidc_issuer=URL, client_secret="a client's secret"
    )
    installation.use(house)
    sign_in._issuers[(URL, CLIENT)] = Issuer(URL, CLIENT, "a client's secret", httpx.MockTransport(fake))
    yield fake
    del sign_in._issuers[(URL, CLIENT)]


async def come_back(database, fake: FakeIssuer) -> sign_in.SignedIn:
    begun = await sign_in.begin(database, "/home")
    asked = httpx.URL(begun.location).params
    fake.nonce = asked["nonce"]
    return await sign_in.finish(database, {"code": "c", "state": asked["state"]}, begun.browser_secret, "", "req_test")


async def test_a_stranger_gets_a_tenant_with_a_project_and_quotas(database, fake, tx_as):
    signed_in = await come_back(database, fake)
    assert signed_in.session.token.startswith("aif_ses_")
    async with tx_as(role="worker") as tx:
        tenant_id = await tx.value(
            "select payload ->> 'tenant_id' from kernel.outbox where type = 'iam.tenant_created'"
        )
        await tx.set_tenant(tenant_id)
        assert await tx.value("select name from iam.tenants") == "Ada"
        assert await tx.value("select count(*) from iam.quota_limits") == len(DEFAULT_LIMITS)
        roles = {row[0] for row in await tx.all("select relation from iam.relations")}
    assert roles == {"tenant_admin", "project_admin"}


async def test_coming_again_makes_no_second_user(database, fake, tx_as):
    for _ in range(2):
        await come_back(database, fake)
    async with tx_as(role="worker") as tx:
        assert await tx.value("select count(*) from iam.users") == 1


async def test_the_code_is_exchanged_with_verifier_and_client_secret(database, fake):
    await come_back(database, fake)
    form = dict(fake.asked)["token"]
    assert form["client_secret"] == ["a client's secret"] and len(form["code_verifier"][0]) == 43


async def test_somebody_elses_address_signs_nobody_in(database, fake):
    """An address may be given to another person: identities are (issuer, subject) only."""
    await come_back(database, fake)
    fake.claims["sub"] = "s-2"
    with pytest.raises(Problem) as refused:
        await come_back(database, fake)
    assert refused.value.code == "email_already_used"


async def test_a_newcomer_needs_a_verified_address(database, fake):
    fake.claims["email_verified"] = False
    with pytest.raises(Problem) as refused:
        await come_back(database, fake)
    assert refused.value.code == "email_not_verified"


async def test_a_refused_sign_in_is_audited(database, fake, tx_as):
    fake.claims["aud"] = "somebody-else"
    with pytest.raises(Problem):
        await come_back(database, fake)
    async with tx_as(role="worker") as tx:
        reason = await tx.value("select reason from kernel.audit where action = 'sign_in' and decision = 'denied'")
    assert reason == "sign_in_refused"


async def test_a_rotated_key_is_fetched(database, fake):
    await come_back(database, fake)
    fake.key = ECKey.generate_key("P-256", {"use": "sig"}, private=True, auto_kid=True)
    issuer = sign_in.issuer()
    issuer._keys = (issuer._keys[0] - 11, issuer._keys[1])  # a refresh is allowed every ten seconds
    assert (await come_back(database, fake)).next_path == "/home"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"issuer": "https://evil.example"}, "issuer_mismatch"),
        ({"token_endpoint": "http://issuer.example/token"}, "issuer_insecure"),
        ({"jwks_uri": "file:///etc/passwd"}, "issuer_insecure"),
        ({"authorization_endpoint": None}, "issuer_insecure"),
    ],
)
async def test_a_strange_discovery_document_is_refused(database, fake, document, code):
    fake.document |= document
    with pytest.raises(Problem) as refused:
        await sign_in.begin(database, "/home")
    assert refused.value.code == code and refused.value.status == 503


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), "sign_in_refused"),
        (httpx.Response(500), "issuer_failed"),
        (httpx.Response(302, headers={"location": "https://evil.example"}), "issuer_failed"),
        (httpx.Response(200, text="<html>"), "issuer_failed"),
        (httpx.Response(200, json=[1]), "issuer_failed"),
        (httpx.Response(200, json={"access_token": "a"}), "sign_in_refused"),
        (httpx.Response(200, content=b" " * 300_000 + json.dumps({}).encode()), "issuer_failed"),
    ],
)
async def test_a_strange_token_answer_is_refused(database, fake, answer, code):
    fake.answers["token"] = answer
    with pytest.raises(Problem) as refused:
        await come_back(database, fake)
    assert refused.value.code == code


async def test_an_issuer_that_does_not_answer_is_said_to(database, fake):
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    sign_in._issuers[(URL, CLIENT)] = Issuer(URL, CLIENT, transport=httpx.MockTransport(down))
    with pytest.raises(Problem) as refused:
        await sign_in.begin(database, "/home")
    assert refused.value.code == "issuer_unreachable"
