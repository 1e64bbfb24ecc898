"""Watches every in-process test: what the API answers and what goes into the outbox must be what the contracts say.

Loaded as a pytest plugin. A test whose answers or events are not in the bundle fails when it ends, naming the difference.
Routes that a test made up are none of ours and are left alone.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import psycopg
import pytest

from aifactory.api.limits import Limits
from aifactory.contracts import sources
from aifactory.contracts.validate import ContractViolation, EventValidator, ResponseValidator
from aifactory.events import REGISTRY

_EVENTS = """
select id, type, version, aggregate, aggregate_version, tenant_id, to_json(occurred_at)#>>'{}' as occurred_at, traceparent, payload
from kernel.outbox order by occurred_at limit 5000
"""
_violations: list[str] = []


@lru_cache(maxsize=1)
def _responses() -> ResponseValidator:
    return ResponseValidator(sources.openapi_bundle())


@lru_cache(maxsize=1)
def _events() -> EventValidator:
    return EventValidator(sources.asyncapi_bundle())


@pytest.fixture(scope="session", autouse=True)
def answers_are_watched() -> Iterator[None]:
    """Listens behind the limits, where every answer passes."""
    plain = Limits.__call__

    async def watched(self: Limits, scope: Any, receive: Any, send: Any) -> None:
        head: dict[str, Any] = {}
        body: list[bytes] = []

        async def listen(message: Any) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
            elif message["type"] == "http.response.body":
                body.append(message.get("body", b""))
            await send(message)

        await plain(self, scope, receive, listen)
        if head:
            _judge(scope, head, b"".join(body))

    Limits.__call__ = watched  # type: ignore[method-assign]
    yield
    Limits.__call__ = plain  # type: ignore[method-assign]


def _judge(scope: Any, head: dict[str, Any], body: bytes) -> None:
    if not _responses().knows(scope["method"], scope["path"]):
        return
    content_type = next((value.decode() for name, value in head["headers"] if name.lower() == b"content-type"), "")
    try:
        _responses().check(scope["method"], scope["path"], head["status"], content_type, body)
    except ContractViolation as violation:
        _violations.append(str(violation))


@pytest.fixture(autouse=True)
def contracts_are_kept(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test that saw an answer or wrote an event which no contract declares."""
    owner_url = request.getfixturevalue("owner_url") if "database_name" in request.fixturenames else None
    _violations.clear()
    yield
    found = [*_violations, *(_events_of(owner_url) if owner_url else ())]
    assert not found, "not in the contract: " + "; ".join(dict.fromkeys(found))


def check_answer(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """For tests against a running house: raises ContractViolation at once."""
    if _responses().knows(method, path):
        _responses().check(method, path, status, content_type, body)


def _events_of(owner_url: str) -> Iterator[str]:
    with psycopg.connect(owner_url) as connection:
        yield from undeclared_events(connection)


def undeclared_events(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """What in this database's outbox is not as the contract says."""
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute(_EVENTS).fetchall()
    for row in rows:
        published = REGISTRY.get(row["type"])
        if published is None or published.__module__.startswith("aifactory.events."):
            try:
                _events().check(row)
            except ContractViolation as violation:
                yield str(violation)
