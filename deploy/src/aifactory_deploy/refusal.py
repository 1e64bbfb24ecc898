"""What a person reads when the platform cannot run: what is wrong, what to do, and an exit code of its own."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `aif up|down|status` beside 0. They never change their meaning; 1 to 9 belong to the other commands."""

    NOT_RUNNING = 20
    ALREADY_RUNNING = 21
    PORT_BUSY = 22
    DISK_FULL = 23
    NEWER_DATA = 24
    PATH_UNUSABLE = 25
    START_FAILED = 26
    CRASH_LOOP = 27


class Refusal(Exception):
    """The platform does not start, or cannot go on. `lines` are the last words of the process that failed, if one did."""

    def __init__(self, exit_code: Exit, what: str, todo: str = "", lines: str = "") -> None:
        super().__init__(what)
        self.exit_code = exit_code
        self.what = what
        self.todo = todo
        self.lines = lines

    def words(self) -> str:
        parts = [f"aif: {self.what}"]
        if self.lines:
            parts += ["", *("    " + line for line in self.lines.splitlines()), ""]
        if self.todo:
            parts.append(f"  do:     {self.todo}")
        return "\n".join(parts)
