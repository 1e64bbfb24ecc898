"""A deny list of system calls for sandboxes that share the host's kernel.

It is a second fence behind the namespaces: administration of the kernel, keys, tracing of others' memory through new
interfaces, and io_uring, none of which a tenant's program needs. Denied calls answer EPERM, so programs go on.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from typing import Any

# system call numbers: x86_64, aarch64
DENIED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32_BIT = 0x40000000
LOAD_WORD, JUMP_EQUAL, JUMP_GREATER_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, DENY, KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
NAMESPACE_FLAGS = 0x7E020000
OFFSET_NUMBER, OFFSET_ARCHITECTURE = 0, 4


def supported() -> bool:
    """Whether the numbers of this machine's system calls are known here."""
    return platform.machine() in MACHINES


def program() -> bytes:
    """The filter as bwrap takes it: an array of struct sock_filter."""
    column, architecture = MACHINES[platform.machine()]
    numbers = sorted(pair[column] for pair in DENIED.values())
    code = [
        _step(LOAD_WORD, 0, 0, OFFSET_ARCHITECTURE),
        _step(JUMP_EQUAL, 1, 0, architecture),
        _step(RETURN, 0, 0, KILL),
        _step(LOAD_WORD, 0, 0, OFFSET_NUMBER),
        _step(JUMP_GREATER_EQUAL, len(numbers) + 1, 0, X32_BIT),
    ]
    for position, number in enumerate(numbers):
        code.append(_step(JUMP_EQUAL, len(numbers) - position, 0, number))
    code += [_step(RETURN, 0, 0, ALLOW), _step(RETURN, 0, 0, DENY)]
    return b"".join(code)


def filter_descriptor() -> int | None:
    """An open file with the filter, to be inherited by bwrap and closed by the caller; None when not supported."""
    if not supported():
        return None
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, program())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def stricter(profile: dict[str, Any]) -> dict[str, Any]:
    """An OCI profile without what we deny and without new user namespaces, which podman's own lets through.

    clone is allowed only without namespace flags; clone3, whose flags a filter cannot see, says that it does not
    exist, and programs fall back to clone.
    """
    taken = {*DENIED, "clone", "clone3"}
    rules = []
    for rule in profile["syscalls"]:
        names = [name for name in rule["names"] if name not in taken]
        if names:
            rules.append({**rule, "names": names})
    no_flags = {"index": 0, "value": NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [no_flags]})
    rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS})
    return {**profile, "syscalls": rules}


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
