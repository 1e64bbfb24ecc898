"""What can be wrong with a simulated node, switched on and off from outside."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Fault(StrEnum):
    """Each is something that happens to real machines."""

    SLOW = "slow"  # every task takes `seconds` longer
    LOST_REPLY = "lost-reply"  # tasks are carried out, and no answer arrives
    REBOOT = (
        "reboot"  # the machine is down; when it is back, for `seconds` or until cleared, nothing runs on it any more
    )
    DEAD_DISK = "dead-disk"  # whatever needs the disk fails with an input/output error
    NO_TELEMETRY = "no-telemetry"  # nothing is measured any more; all else goes on


LONG_SECONDS = {Fault.SLOW: 300.0}
MOST_SECONDS = 86_400.0
WORDS = {
    Fault.SLOW: "every task takes longer",
    Fault.LOST_REPLY: "tasks are carried out, and their answers never arrive",
    Fault.REBOOT: "the machine is down; what ran on it has ended when it is back",
    Fault.DEAD_DISK: "whatever needs the disk fails",
    Fault.NO_TELEMETRY: "nothing is measured any more; all else goes on",
}


class Active(Struct, frozen=True):
    """A fault that is on. `seconds`: how much slower, or how long the machine stays down; None until cleared."""

    fault: Fault
    seconds: float | None = None
