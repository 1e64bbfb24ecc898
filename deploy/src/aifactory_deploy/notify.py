"""A child's word that it works, in systemd's notify protocol."""

import asyncio
import os
import socket
from pathlib import Path

from aifactory_deploy.accounts import Account


class NotifySocket:
    """`heard` is set when somebody has said READY=1. Only the account that is to say it can write to the socket."""

    def __init__(self, path: Path, account: Account | None = None) -> None:
        self.path = path
        self.heard = asyncio.Event()
        self._account = account

    def listen(self) -> None:
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        listener.bind(str(self.path))
        self.path.chmod(0o600)
        if self._account:
            os.chown(self.path, self._account.uid, self._account.gid)
        asyncio.get_running_loop().add_reader(listener, self._on_word, listener)

    def _on_word(self, listener: socket.socket) -> None:
        if b"READY=1" in listener.recv(4096):
            self.heard.set()
