"""`aif up --detach`: the same supervisor in a session of its own; we return when it is ready or has failed."""

import os
import subprocess
import sys

from aifactory_deploy.instance import pid_started
from aifactory_deploy.layout import Layout
from aifactory_deploy.logs import open_log
from aifactory_deploy.options import UpOptions
from aifactory_deploy.preflight import check_disk

_LOG = "supervisor"


def up_detached(options: UpOptions) -> int:
    """Passes on its one line, or its last words, and its exit code."""
    layout = Layout(options.data_dir)
    layout.open_root()
    check_disk(layout.root, first=not layout.version.exists())  # here, for on a full disk no log could take the words
    log = open_log(layout.logs, _LOG)
    begins = os.fstat(log).st_size
    ticks = pid_started(os.getpid()) or 0
    process = subprocess.Popen(
        [sys.executable, "-m", "aifactory_deploy", "up", *options.as_arguments()],
        env={**os.environ, "AIF_STARTED_AT": str(ticks / os.sysconf("SC_CLK_TCK"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if line:
        print(line, end="", flush=True)
        return 0
    status = process.wait()
    with (layout.logs / f"{_LOG}.log").open("rb") as words:
        words.seek(begins)
        sys.stderr.write(words.read().decode(errors="replace"))
    return status
