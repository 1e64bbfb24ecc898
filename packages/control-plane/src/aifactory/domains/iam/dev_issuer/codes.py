"""Authorization codes of the development issuer: in memory, single use, a minute long, bounded in number."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

CODE_LIFE = timedelta(seconds=60)
MAX_CODES = 1000


@dataclass(frozen=True)
class Authorization:
    """What was authorized, as the token endpoint must find it again."""

    email: str
    client_id: str
    redirect_uri: str
    nonce: str
    code_challenge: str
    at: datetime


class Codes:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: OrderedDict[str, Authorization] = OrderedDict()

    def issue(self, email: str, client_id: str, redirect_uri: str, nonce: str, code_challenge: str) -> str:
        code = secrets.token_urlsafe(32)
        self._codes[code] = Authorization(email, client_id, redirect_uri, nonce, code_challenge, self._now())
        while len(self._codes) > MAX_CODES:
            self._codes.popitem(last=False)
        return code

    def redeem(self, code: str) -> Authorization | None:
        """Once; None when unknown, used or old."""
        found = self._codes.pop(code, None)
        return found if found is not None and self._now() - found.at <= CODE_LIFE else None
