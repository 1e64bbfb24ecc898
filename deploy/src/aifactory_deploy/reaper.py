"""Stops the sandboxes when the supervisor dies without having been able to.

Sandboxes outlive a restart of the agent on purpose, so nothing binds them to it. This process holds the end of a pipe whose
other end only the supervisor has: when it closes without the word `done`, the command given as arguments is run.
It imports next to nothing, and lives in a session of its own.
"""

import signal
import subprocess
import sys
import time

TRIES = 40  # the command refuses while the agent is still ending
PAUSE_SECONDS = 0.25


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == b"done":
        return 0
    for _ in range(TRIES):
        time.sleep(PAUSE_SECONDS)
        if subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode == 0:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
