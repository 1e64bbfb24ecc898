"""A throw-away object store for tests: SeaweedFS started as `aif up` starts it, on free ports."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from aifactory_deploy.object_store import ObjectStore

READY_SECONDS = 60


class TestObjectStore:
    """It can be killed and started again on the same ports, with what it held or with nothing."""

    __test__ = False

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aif-objects-"))
        base = {"PATH": os.environ["PATH"]}
        self._server = ObjectStore(self.folder, "test-only-{}".format, None, base, (), 0, lambda: None)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def settings(self) -> dict[str, str]:
        """What a worker is told of it."""
        return self._server.settings()

    @property
    def url(self) -> str:
        return self.settings["AIF_S3_URL"]

    def metrics_text(self) -> str:
        return httpx.get(self.settings["AIF_S3_METRICS_URL"], trust_env=False).text

    def start(self) -> None:
        program = self._server.arrange()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(program.argv, env=program.env, cwd=program.cwd, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"the object store did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, trust_env=False).status_code == 403  # unsigned, but understood
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def lose_everything(self) -> None:
        """What a dead disk does."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        self.start()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
