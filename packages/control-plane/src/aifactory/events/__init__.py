"""Published event payloads, one module per domain. A leaf: imports nothing of ours; AsyncAPI is generated from here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar


class Event(Protocol):
    """A frozen dataclass that `@event` gave a TYPE and a VERSION (which checkers of types cannot see). Fields are plain
    JSON values; money travels as strings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T")
REGISTRY: dict[str, type] = {}


def event(name: str, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Names a payload `<domain>.<past_tense>` and registers it. The class must be a frozen dataclass."""

    def register(cls: type[T]) -> type[T]:
        if REGISTRY.setdefault(name, cls) is not cls and REGISTRY[name].__qualname__ != cls.__qualname__:
            raise ValueError(f"two events are called {name}")
        cls.TYPE, cls.VERSION = name, version  # type: ignore[attr-defined]
        return cls

    return register


@dataclass(frozen=True)
class Envelope:
    """One event as it travels: rule 3's members around the payload."""

    id: str
    type: str
    version: int
    aggregate: str
    aggregate_version: int
    tenant_id: str | None
    occurred_at: str
    traceparent: str
    payload: dict[str, Any]
