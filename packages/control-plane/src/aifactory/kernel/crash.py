"""Named crash points: a test names one, and the process that reaches it dies there as if by a power cut.

Costs one attribute read when no test runs. AIF_CRASH_FILE names a file; when its text equals the point reached,
the process notes the hit in `<file>.hits`, empties the file (so that its successor lives) and kills itself. The text
`pause <point>` makes every process that reaches the point note its id and stop until somebody continues it: so a test
makes a worker sleep past its lease.
"""

import os
import signal
from pathlib import Path

_file: Path | None = Path(os.environ["AIF_CRASH_FILE"]) if os.environ.get("AIF_CRASH_FILE") else None


def reach(point: str) -> None:
    """Dies here if a test asked for it. `point` is `<flow kind>:<state>:<before_commit|after_commit|after_effect>`."""
    if _file is None:
        return
    try:
        wanted = _file.read_text().strip()
    except OSError:
        return
    if wanted == f"pause {point}":
        _note(f"paused {os.getpid()}")
        os.kill(os.getpid(), signal.SIGSTOP)
    if wanted != point:
        return
    _note(point)
    _file.write_text("")
    os.kill(os.getpid(), signal.SIGKILL)


def _note(hit: str) -> None:
    with open(f"{_file}.hits", "a") as hits:
        hits.write(hit + "\n")
