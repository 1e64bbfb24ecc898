"""How every page answers: one JSON object of parts, with its freshness and an ETag that belongs to its reader."""

import hashlib
import json
from collections.abc import Awaitable, Mapping
from typing import Any, Generic, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.kernel.db import Tx
from aifactory.kernel.problems import VARIES_BY
from aifactory.kernel.reading import together

PRIVATE = "private, no-cache"
PUBLIC_FOR_SECONDS = "public, max-age=5"
T = TypeVar("T")


class Listed(BaseModel, Generic[T]):
    """A list as its resource answers it."""

    items: list[T]
    next_cursor: str | None


class MoneyPart(BaseModel):
    amount: str
    currency: str


class WalletPart(BaseModel):
    """What there is to spend, and what is set aside for what runs."""

    account_id: str | None
    currency: str
    available: MoneyPart
    held: MoneyPart
    balance: MoneyPart
    kyc_status: str
    payment_method: str
    promotional_credit: bool


async def page(tx: Tx, request: Request, parts: Mapping[str, Awaitable[Any]], cache: str = PRIVATE) -> Response:
    """`parts`: name -> JSON bytes as a facade builds them in SQL, or any value of a facade; all are asked at once.

    304 when the reader has it already. `as_of` is asked with the first part: the page is at least that fresh.
    """
    as_of, *values = await together(tx.now(), *parts.values())
    content = b",".join(
        b'"%b":%b' % (name.encode(), _encoded(value)) for name, value in zip(parts, values, strict=True)
    )
    who = tx.principal
    seed = f"{who.id}|{who.tenant_id}|{who.grant_version}|".encode()
    headers = {
        "ETag": f'W/"{hashlib.sha256(seed + content).hexdigest()[:24]}"',
        "Cache-Control": cache,
        "Vary": VARIES_BY,
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = b'{"as_of":%b,%b}' % (to_json(as_of), content)
    return Response(body, headers=headers, media_type="application/json")


async def wallet_part(tx: Tx) -> dict[str, Any] | None:
    """The wallet for those who may see money, else None. The page has a freshness of its own."""
    if not iam.decide_anywhere(tx.principal, "wallet.read").allowed:
        return None
    wallet = json.loads(await billing.wallet(tx))
    return {name: wallet[name] for name in WalletPart.model_fields}


def _encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else to_json(value)
