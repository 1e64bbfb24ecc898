"""The text of bootstrap tokens: made, hashed and refused in one place. Whose they are and how often they count, their domain
keeps with its rows."""

import hashlib
from secrets import token_bytes

from aifactory.domains.platform_control import keys
from aifactory.kernel.errors import Problem
from aifactory_protocol import BadToken, format_bootstrap_token, parse_bootstrap_token

TOKEN_BYTES = 25


def new_bootstrap_token() -> tuple[str, str]:
    """(text, hash): the text is shown once and stored nowhere; it names our CA by its fingerprint."""
    text = format_bootstrap_token(token_bytes(TOKEN_BYTES), keys.authority().fingerprint)
    return text, bootstrap_token_hash(text)


def bootstrap_token_hash(text: str) -> str:
    """What is stored: 125 bits and more of randomness need no salt and no slow hash. Raises Problem 401
    bad_bootstrap_token for what cannot be one."""
    try:
        return hashlib.sha256(parse_bootstrap_token(text).secret.encode()).hexdigest()
    except BadToken as error:
        raise Problem(
            401,
            "bad_bootstrap_token",
            "This is not a bootstrap token",
            str(error),
            field="token",
            todo="Copy the whole token again.",
        ) from error


def bootstrap_token_refused(detail: str, todo: str) -> Problem:
    """One answer for every token that is not good, so that guessing learns nothing."""
    return Problem(401, "bootstrap_token_refused", "The bootstrap token is not valid", detail, field="token", todo=todo)
