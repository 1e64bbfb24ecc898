"""What this domain needs from an object store, in its own words. Adapters keep the vendor's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

OBJECT_STORE = "storage_network.object_store"

Access = Literal["full", "no_writes", "none"]
Mode = Literal["read_write", "read_only"]


class StoreUnreachable(Exception):
    """It did not answer, or not in a way that says whether it did what was asked: ask again, then read back."""


class StoreRefused(Exception):
    """It answered no. `code` is the store's own word for it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class NotEmpty(StoreRefused):
    """The bucket holds something and was to be removed only if it does not."""


@dataclass(frozen=True)
class StoreKey:
    """A key to one bucket. `user` is ours and stable, so that granting twice is granting once."""

    user: str
    access_key_id: str
    secret: str
    bucket: str
    mode: Mode


@dataclass(frozen=True)
class Counter:
    """A growing count of bytes. `begun` names its beginning: within one it only grows, another one starts from 0."""

    begun: str
    value: int


@dataclass(frozen=True)
class BucketUsage:
    """What the store says of one bucket: bytes as it stores them, and bytes moved where it counted any."""

    bytes_stored: int
    received: Counter | None
    sent: Counter | None


class ObjectStore(Protocol):
    """Every call may raise StoreUnreachable or StoreRefused; each can be repeated and then changes nothing more."""

    @property
    def driver(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    async def check(self) -> None: ...
    async def make(self, bucket: str, versioning: bool) -> None: ...
    async def exists(self, bucket: str) -> bool: ...
    async def remove(self, bucket: str) -> None:
        """Raises NotEmpty when anything is in it."""

    async def empty(self, bucket: str) -> bool:
        """Removes a bounded part of what is in it, all versions and open uploads; True once nothing is left."""
        ...

    async def set_access(self, bucket: str, access: Access) -> None: ...
    async def access(self, bucket: str) -> Access: ...
    async def grant(self, key: StoreKey) -> None: ...
    async def granted(self, key: StoreKey) -> bool: ...
    async def revoke(self, user: str) -> None: ...
    async def known(self, user: str) -> bool: ...
    async def usage(self) -> Mapping[str, BucketUsage]:
        """Of every bucket about which the store has something to say."""
        ...
