"""An ID token is believed only if every claim fits this sign-in. Each test spoils one thing in a good token."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from aifactory.domains.iam.oidc import Expected, at_hash_of, read_id_token
from aifactory.kernel.errors import Problem

NOW = datetime(2027, 1, 1, tzinfo=UTC)
ISSUER, CLIENT = "https://issuer.example", "aifactory"
KEY = ECKey.generate_key("P-256", {"use": "sig"}, private=True, auto_kid=True)
KEYS = KeySet.import_key_set({"keys": [KEY.as_dict(private=False)]})
EXPECTED = Expected(ISSUER, CLIENT, "the-nonce", NOW)


def good() -> dict[str, Any]:
    at = int(NOW.timestamp())
    return {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "subject-1",
        "nonce": "the-nonce",
        "iat": at,
        "exp": at + 300,
        "email": "Ada@Example.com ",
        "email_verified": True,
        "name": "Ada",
    }


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": KEY.kid} | header, claims, key, algorithms=[alg])


def test_a_good_token_names_the_person():
    claims = read_id_token(signed(good()), KEYS, EXPECTED)
    assert (claims.subject, claims.email, claims.name) == ("subject-1", "ada@example.com", "Ada")


def shifted(**seconds: int) -> int:
    return int((NOW + timedelta(**seconds)).timestamp())


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "somebody-else"}, "another audience"),
        ({"aud": []}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": {"aifactory": 1}}, "another audience"),
        ({"aud": [CLIENT, "somebody-else"]}, "authorized party"),
        ({"azp": "somebody-else"}, "authorized party"),
        ({"nonce": "another-nonce"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
        ({"nonce": ["the-nonce"]}, "another sign-in"),
        ({"exp": shifted(seconds=-61)}, "expired"),
        ({"exp": None}, "does not say when"),
        ({"exp": "tomorrow"}, "does not say when"),
        ({"exp": True}, "does not say when"),
        ({"iat": None}, "does not say when"),
        ({"iat": shifted(seconds=120), "exp": shifted(seconds=600)}, "future"),
        ({"nbf": shifted(seconds=120)}, "future"),
        ({"sub": ""}, "no subject"),
        ({"sub": None}, "no subject"),
        ({"sub": 7}, "no subject"),
        ({"sub": "x" * 256}, "no subject"),
        ({"at_hash": "wrong"}, "access token"),
    ],
)
def test_one_wrong_claim_refuses_the_token(spoil, why):
    claims = {name: value for name, value in (good() | spoil).items() if value is not None}
    with pytest.raises(Problem) as refused:
        read_id_token(signed(claims), KEYS, EXPECTED, "access")
    assert refused.value.code == "sign_in_refused" and why in refused.value.detail


def test_clocks_may_differ_by_a_minute():
    claims = good() | {"exp": shifted(seconds=-59), "iat": shifted(seconds=59)}
    assert read_id_token(signed(claims), KEYS, EXPECTED).subject == "subject-1"


def test_several_audiences_need_us_as_the_authorized_party():
    claims = good() | {"aud": [CLIENT, "other"], "azp": CLIENT}
    assert read_id_token(signed(claims), KEYS, EXPECTED).subject == "subject-1"


def test_a_fitting_access_token_hash_is_taken():
    claims = good() | {"at_hash": at_hash_of("access", "ES256")}
    assert read_id_token(signed(claims), KEYS, EXPECTED, "access").subject == "subject-1"


def test_signatures_by_other_keys_are_refused():
    stranger = ECKey.generate_key("P-256", private=True)
    for token in (signed(good(), stranger), signed(good(), stranger, kid="unknown"), signed(good())[:-4] + "AAAA"):
        with pytest.raises(Problem, match="signature"):
            read_id_token(token, KEYS, EXPECTED)


def test_symmetric_algorithms_and_none_are_refused():
    """The classic confusion: our public key, which everybody has, used as an HMAC secret."""
    claims = signed(good()).split(".")[1]
    body = f"{part({'alg': 'HS256', 'kid': KEY.kid})}.{claims}"
    mac = hmac.digest(KEY.as_pem(private=False), body.encode(), "sha256")
    confused = f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    for token in (confused, f"{part({'alg': 'none'})}.{claims}.", f"{part({'alg': 'None', 'kid': KEY.kid})}.{claims}."):
        with pytest.raises(Problem, match="signature"):
            read_id_token(token, KEYS, EXPECTED)


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_an_rsa_issuer_is_fine_too():
    key = RSAKey.generate_key(2048, {"use": "sig"}, private=True, auto_kid=True)
    keys = KeySet.import_key_set({"keys": [key.as_dict(private=False)]})
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, good(), key)
    assert read_id_token(token, keys, EXPECTED).subject == "subject-1"


@pytest.mark.parametrize("email_verified", [False, None, "true", 1])
def test_an_address_that_the_issuer_does_not_vouch_for_is_not_taken(email_verified):
    claims = {name: value for name, value in (good() | {"email_verified": email_verified}).items() if value is not None}
    assert read_id_token(signed(claims), KEYS, EXPECTED).email == ""


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "....", "x" * 20_000])
def test_rubbish_is_refused(token):
    with pytest.raises(Problem):
        read_id_token(token, KEYS, EXPECTED)


def test_half_a_token_is_refused():
    with pytest.raises(Problem):
        read_id_token(signed(good()).split(".")[0], KEYS, EXPECTED)
