"""Why the tenant cannot get at the door's sockets.

The listening socket belongs to the host's network. Whoever held it could disconnect it and connect it anew to a port
of the host's loopback. The tenant runs as the same user as the door, so the door makes itself undumpable (no ptrace,
no pidfd_getfd, no /proc/PID/fd) before any tenant process exists, and every descriptor it has is closed on exec.
"""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 3, 36, 38


def against_the_tenant(listen_fd: int) -> None:
    """Seal this process; raises OSError when the kernel will not."""
    os.set_inheritable(listen_fd, False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    if _prctl(PR_GET_DUMPABLE, 0) != 0:
        raise OSError("the door could not make itself undumpable")


def _prctl(option: int, value: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")
    return int(answer)
