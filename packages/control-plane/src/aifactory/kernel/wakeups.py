"""Nudges between processes over NATS core: they make things fast, never correct. Whoever waits also polls."""

import asyncio
from collections import defaultdict
from typing import Protocol

from nats.aio.client import Client

_SUBJECT = "aif.wake."


class Wakeups(Protocol):
    closing: bool  # this process is about to stop: whoever waits should answer and go

    async def publish(self, topic: str) -> None: ...

    async def wait(self, topic: str, timeout_seconds: float) -> bool:
        """True when nudged, False when the time ran out."""
        ...


class LocalWakeups:
    """Nudges within one process: what tests use, and what NATS delivers into."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.closing = False

    def let_go(self) -> None:
        """Ends all waiting, now and from now on: the process stops."""
        self.closing = True
        for topic in list(self._waiting):
            self.deliver(topic)

    async def publish(self, topic: str) -> None:
        self.deliver(topic)

    def deliver(self, topic: str) -> None:
        for waiter in self._waiting.get(topic, ()):
            waiter.set()

    async def wait(self, topic: str, timeout_seconds: float) -> bool:
        if self.closing:
            return False
        waiter = asyncio.Event()
        self._waiting[topic].add(waiter)
        try:
            await asyncio.wait_for(waiter.wait(), timeout_seconds)
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting[topic].discard(waiter)
            if not self._waiting[topic]:
                del self._waiting[topic]


class NoWakeups(LocalWakeups):
    """For one-off commands: nobody listens."""


class NatsWakeups(LocalWakeups):
    """One subscription a process. While NATS is away publishing is a no-op and waiters fall back to polling."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Client()

    async def connect(self, url: str, name: str) -> None:
        """Keeps trying in the background for ever; returns once connected or after two seconds, whichever comes first."""

        async def quiet(error: Exception) -> None:
            return None

        options = {
            "servers": [url],
            "name": name,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.25,
            "connect_timeout": 2,
            "allow_reconnect": True,
            "error_cb": quiet,
        }
        await self.client.connect(**options)  # type: ignore[arg-type]
        await self.client.subscribe(_SUBJECT + ">", cb=self._received)

    async def _received(self, message: object) -> None:
        self.deliver(getattr(message, "subject", "")[len(_SUBJECT) :])

    async def publish(self, topic: str) -> None:
        self.deliver(topic)
        if self.client.is_connected:
            try:
                await self.client.publish(_SUBJECT + topic)
            except Exception:
                return

    async def close(self) -> None:
        if not self.client.is_closed:
            await self.client.close()
