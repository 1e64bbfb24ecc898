"""Tells whoever started us that we work: systemd's protocol (Type=notify), which `aif up` speaks too."""

from __future__ import annotations

import contextlib
import os
import socket


def tell_ready() -> None:
    """One datagram to $NOTIFY_SOCKET; nothing without it. Nobody listening is no reason to stop."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"READY=1", address)
