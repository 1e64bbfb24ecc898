"""OpenID Connect, the pure part: what we ask an issuer for, and when we believe its answer (code flow with PKCE)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from aifactory.kernel.errors import Problem

LEEWAY_SECONDS = 60
MAX_TOKEN_LENGTH = 16 * 1024
_HASHES = {
    "RS256": "sha256",
    "PS256": "sha256",
    "ES256": "sha256",
    "RS384": "sha384",
    "ES384": "sha384",
    "RS512": "sha512",
    "EdDSA": "sha512",
    "Ed25519": "sha512",
}
ALGORITHMS = tuple(_HASHES)  # asymmetric only: nobody signs with what we hold, and "none" is nobody


@dataclass(frozen=True)
class Expected:
    """What an ID token must say to be meant for us, now, and for this very sign-in."""

    issuer: str
    client_id: str
    nonce: str
    now: datetime


@dataclass(frozen=True)
class Claims:
    """What we take from an ID token. `email` is lower case; it is empty unless the issuer vouches for it."""

    subject: str
    email: str
    name: str


def authorization_url(
    endpoint: str, client_id: str, redirect_uri: str, state: str, nonce: str, code_verifier: str
) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge_of(code_verifier),
        "code_challenge_method": "S256",
    }
    return endpoint + ("&" if "?" in endpoint else "?") + urlencode(query)


def challenge_of(code_verifier: str) -> str:
    """RFC 7636, method S256."""
    return _base64url(hashlib.sha256(code_verifier.encode()).digest())


def at_hash_of(access_token: str, algorithm: str) -> str:
    """The left half of the access token's hash, in the ID token's hash function."""
    digest = hashlib.new(_HASHES[algorithm], access_token.encode()).digest()
    return _base64url(digest[: len(digest) // 2])


def key_id_of(id_token: str) -> str | None:
    """The `kid` the token names, so that a rotated key can be fetched before it is verified."""
    try:
        head = id_token.split(".", 1)[0]
        return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid")
    except (ValueError, AttributeError):
        return None


def read_id_token(id_token: str, keys: KeySet, expected: Expected, access_token: str = "") -> Claims:
    """Verifies signature and every claim; raises Problem 401 `sign_in_refused` with the first thing that is wrong."""
    if len(id_token) > MAX_TOKEN_LENGTH:
        raise refused("the ID token is too long")
    try:
        token = jwt.decode(id_token, keys, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise refused("the ID token's signature is not by a key of the issuer") from error
    claims = token.claims
    wrong = (
        _wrong_parties(claims, expected)
        or _wrong_times(claims, expected)
        or _wrong_binding(claims, expected, access_token, str(token.header.get("alg")))
    )
    if wrong:
        raise refused(wrong)
    email = claims.get("email")
    vouched = email.strip().lower() if isinstance(email, str) and claims.get("email_verified") is True else ""
    name = claims.get("name")
    return Claims(claims["sub"], vouched, name[:120] if isinstance(name, str) else "")


def _wrong_parties(claims: Mapping[str, Any], expected: Expected) -> str:
    if claims.get("iss") != expected.issuer:
        return "the ID token is from another issuer"
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        return "the ID token is for another audience"
    if claims.get("azp", expected.client_id) != expected.client_id or (len(audiences) > 1 and "azp" not in claims):
        return "the ID token is for another authorized party"
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        return "the ID token names no subject"
    return ""


def _wrong_times(claims: Mapping[str, Any], expected: Expected) -> str:
    now = expected.now.timestamp()
    times = {name: claims.get(name) for name in ("exp", "iat")}
    if any(isinstance(at, bool) or not isinstance(at, int | float) for at in times.values()):
        return "the ID token does not say when it was issued and expires"
    if times["exp"] <= now - LEEWAY_SECONDS:  # type: ignore[operator]
        return "the ID token has expired"
    not_before = claims.get("nbf", times["iat"])
    if times["iat"] > now + LEEWAY_SECONDS or not_before > now + LEEWAY_SECONDS:  # type: ignore[operator]
        return "the ID token is from the future"
    return ""


def _wrong_binding(claims: Mapping[str, Any], expected: Expected, access_token: str, algorithm: str) -> str:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        return "the ID token was made for another sign-in"
    if "at_hash" in claims and claims["at_hash"] != at_hash_of(access_token, algorithm):
        return "the access token does not belong to the ID token"
    return ""


def refused(detail: str, code: str = "sign_in_refused") -> Problem:
    return Problem(
        401, code, "The sign-in was refused", f"Refused because {detail}.", todo="Start again from the sign-in page."
    )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
