"""A real house for tests: every process that `aif up` starts, on free ports, in a data directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from aifactory.testing import contract_watch

REPOSITORY = Path(__file__).parent.parent
AIF = Path(sys.executable).parent / "aif"
READY_SECONDS = 120


@dataclass
class Ran:
    """One finished command line."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"aif {' '.join(self.words)} => {self.code}\n{self.out}{self.err}"


@dataclass
class House:
    """`up()` it, use it, `stop()` it. The data directory goes with it."""

    slots: int | None = None
    flags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    data_dir: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="aif-", dir="/tmp")))
    ports: tuple[int, ...] = field(default_factory=lambda: free_ports(4))
    extra: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    # -- life

    def up(self) -> House:
        words = ["up", "--detach", f"--data-dir={self.data_dir}", *self._port_words(), *self.flags]
        if self.slots is not None:
            words.append(f"--slots={self.slots}")
        ran = self._deploy(words, READY_SECONDS)
        assert ran.returncode == 0, f"the house does not start:\n{ran.stdout}{ran.stderr}\n{self.last_words()}"
        return self

    def down(self) -> None:
        for process in self.extra:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.extra.clear()
        ran = self._deploy(["down", f"--data-dir={self.data_dir}"], READY_SECONDS)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def stop(self) -> None:
        """Ends it, and says which events of its life no contract declares."""
        undeclared: list[str] = []
        try:
            with suppress(psycopg.OperationalError, OSError), self.owner_db() as database:
                undeclared = list(contract_watch.undeclared_events(database))
            self.down()
        finally:
            shutil.rmtree(self.data_dir, ignore_errors=True)
        assert not undeclared, "not in the contract: " + "; ".join(dict.fromkeys(undeclared))

    def _deploy(self, words: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aifactory_deploy", *words]
        # The object store costs memory and time that most houses do not need: those that do say so.
        environment = {**os.environ, "AIF_OBJECT_STORE": "none", "AIF_MODEL_SERVER": "none", **self.environment}
        # Files, not pipes: what the supervisor starts would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = subprocess.run(
                command, stdout=out, stderr=err, timeout=seconds, env=environment, check=False
            ).returncode
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())

    def _port_words(self) -> list[str]:
        names = ("port", "gateway-port", "agent-port", "app-port")
        return [f"--{name}={port}" for name, port in zip(names, self.ports, strict=True)]

    # -- processes

    def pids(self) -> dict[str, int]:
        facts = json.loads((self.data_dir / "instance.json").read_text())
        return {entry["name"]: entry["pid"] for entry in facts["processes"] if entry["pid"]}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Ends the process called so; the supervisor starts its successor. Returns the pid that was."""
        pid = self.pids()[name]
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return pid

    def one_more(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """A further replica of `api` or `worker`: the same program, user and environment, with what is given changed."""
        pid = self.pids()[name]
        raw = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        known = dict(entry.decode().split("=", 1) for entry in raw if b"=" in entry)
        words = [word.decode() for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word]
        status = Path(f"/proc/{pid}/status").read_text()
        uid, gid = (
            next(line.split()[1] for line in status.splitlines() if line.startswith(key)) for key in ("Uid:", "Gid:")
        )
        enter = []
        if os.geteuid() == 0:
            enter = ["nsenter", f"--target={pid}", "--mount", "--"]
            enter += ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]
        log = (self.data_dir / "logs" / f"{name}-more.log").open("ab")
        process = subprocess.Popen(
            [*enter, *words], env={**known, **environment}, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/"
        )
        self.extra.append(process)
        return process

    def last_words(self, lines: int = 15) -> str:
        """The end of every log: what a failed test needs to say."""
        parts = []
        for path in sorted((self.data_dir / "logs").glob("*")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {path.name}\n" + "\n".join(line[:600] for line in tail))
        return "\n".join(parts)

    def log(self, name: str) -> str:
        """Everything that processes of that name have written, further replicas included."""
        paths = sorted((self.data_dir / "logs").glob(f"{name}*.log"))
        return "\n".join(path.read_text(errors="replace") for path in paths)

    # -- ways in

    def cli(self, *words: str, profile: str = "demo", seconds: float = 90, check: bool = False) -> Ran:
        environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(self.data_dir), "XDG_CONFIG_HOME": str(self._config()),
            "AIF_HOST": self.url, "AIF_PROFILE": profile, "TZ": "UTC", "LANG": "C.UTF-8",
        }  # fmt: skip
        done = subprocess.run(
            [str(AIF), *words], env=environment, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        ran = Ran(words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ran.out + ran.err, str(ran)
        assert not check or ran.code == 0, f"{ran}\n{self.last_words()}"
        return ran

    def login(self, email: str, again: str = "") -> str:
        """Signs in as `email` (once, and once more for each `again`), under a profile called like the part before the @."""
        profile = email.partition("@")[0] + again
        credentials = self._config() / "aifactory" / "credentials.json"
        if not (credentials.exists() and profile in json.loads(credentials.read_text())):
            self.cli("login", "--as", email, profile=profile, check=True)
        return profile

    def token(self, email: str, again: str = "") -> str:
        """What that sign-in got."""
        profile = self.login(email, again)
        stored = json.loads((self._config() / "aifactory" / "credentials.json").read_text())[profile]
        return str(next(iter(stored.values()))["token"])

    def api(self, email: str, url: str | None = None) -> httpx.Client:
        """The HTTP API with the token of that sign-in."""
        heads = {"Authorization": f"Bearer {self.token(email)}"}
        hooks = {"response": [_as_the_contract_says]}
        base = (url or self.url) + "/api/v3"
        return httpx.Client(base_url=base, headers=heads, timeout=30, trust_env=False, event_hooks=hooks)

    def owner_db(self) -> psycopg.Connection[Any]:
        """The database's superuser: for reading what really is there."""
        password = (self.data_dir / "passwords" / "postgres").read_text().strip()
        return psycopg.connect(
            host=str(self.data_dir / "run"), user="postgres", password=password, dbname="aifactory", autocommit=True
        )

    def ready(self) -> bool:
        try:
            return httpx.get(self.url + "/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def has_a_clean_slot(self) -> bool:
        items = httpx.get(self.url + "/api/v3/offers", timeout=5, trust_env=False).json()["items"]
        return any(item["available"] for item in items)

    def ssh_key(self, name: str = "id") -> Path:
        """A key pair of the test's own; answers with the public half."""
        path = self.data_dir / "test-keys" / name
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path.with_name(path.name + ".pub")

    def _config(self) -> Path:
        return self.data_dir / "test-config"


def _as_the_contract_says(answer: httpx.Response) -> None:
    asked = answer.request
    content_type = answer.headers.get("content-type", "")
    contract_watch.check_answer(asked.method, asked.url.path, answer.status_code, content_type, answer.read())


def until(holds: Callable[[], Any], seconds: float, what: str | Callable[[], str], pause_seconds: float = 0.1) -> Any:
    """The first true answer of `holds`; fails the test, saying `what` did not happen, after `seconds`."""
    ends = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > ends:
            pytest.fail(f"after {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause_seconds)


_last_port: list[int] = []


def free_ports(count: int) -> tuple[int, ...]:
    """Distinct ports nobody listens on, below the range from which the system takes ports for outgoing connections.

    Each parallel worker of the test run has a range of its own, and no port is given twice: a house that is still
    starting does not listen yet.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + 2_000 * (worker % 6)
    candidate = _last_port[0] if _last_port else first + os.getpid() * 7 % 1_500
    found: list[int] = []
    while len(found) < count:
        candidate = first + (candidate + 1 - first) % 2_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", candidate))
            found.append(candidate)
    _last_port[:] = [candidate]
    return tuple(found)


@pytest.fixture(scope="session")
def running_house() -> Iterator[House]:
    """One house for all tests that change nothing which others rely on."""
    house = House(slots=4)
    try:
        house.up()
        until(house.has_a_clean_slot, 60, "no slot is clean")
        yield house
    finally:
        house.stop()
