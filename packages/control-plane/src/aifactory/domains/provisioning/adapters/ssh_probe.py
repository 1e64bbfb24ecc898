"""Looks at an SSH server's host key with asyncssh. Library words stay in here."""

import asyncio

from aifactory.domains.provisioning.ports import Seen

TIMEOUT_SECONDS = 5.0


class SshProbe:
    """Opens one connection up to the key exchange and closes it. `timeout_seconds` bounds all of it."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds

    async def look(self, host: str, port: int) -> Seen:
        import asyncssh  # here, because only workers look: the API starts 0.1 s sooner without it

        try:
            key = await asyncio.wait_for(asyncssh.get_server_host_key(host, port, config=None), self._timeout_seconds)
        except TimeoutError:
            return Seen(None, f"no answer from {host}:{port} within {self._timeout_seconds:g} s")
        except (OSError, asyncssh.Error) as error:
            return Seen(None, f"{host}:{port}: {type(error).__name__}: {error}"[:300])
        if key is None:
            return Seen(None, f"{host}:{port} offered no host key")
        return Seen(key.export_public_key("openssh").decode().strip())
