"""Is a port free, and if not, whose is it?"""

import os
import socket
from pathlib import Path

from aifactory_deploy.refusal import Exit, Refusal

_LISTEN = "0A"


def is_free(port: int) -> bool:
    """True when we could listen there on loopback. Connections that only wait for their end do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """One that nobody listens on now; the kernel chooses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_ports(flags: dict[str, int]) -> None:
    """`flags`: the option that changes a port -> the port."""
    for flag, port in flags.items():
        if not 1 <= port <= 65535:
            raise Refusal(
                Exit.PORT_BUSY, f"{flag} {port} is not a port: 1 to 65535 are possible.", f"Choose another: {flag} PORT"
            )
        if len([other for other in flags.values() if other == port]) > 1:
            raise Refusal(Exit.PORT_BUSY, f"Port {port} is asked for twice.", f"Choose another: {flag} PORT")
        if port < 1024 and os.geteuid() != 0:
            raise Refusal(Exit.PORT_BUSY, f"Port {port} is for root only.", f"Choose one above 1023: {flag} PORT")
        if not is_free(port):
            raise Refusal(
                Exit.PORT_BUSY,
                f"Port {port} is in use by {_holder(port)}.",
                f"Stop it, or choose another port: aif up {flag} {port + 10}",
            )


def _holder(port: int) -> str:
    for inode in _listening_inodes(port):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if any(str(fd.readlink()) == f"socket:[{inode}]" for fd in (process / "fd").iterdir()):
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
            except OSError:
                continue
    return "another process"


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for row in Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.append(fields[9])
    return inodes
