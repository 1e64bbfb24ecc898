"""`host` answers as told; `aif` runs the command line in this process with a configuration of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aifactory_cli import client, main, profiles


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cli_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


host_module = _load("host")
Answer, Asked, Host, problem = host_module.Answer, host_module.Asked, host_module.Host, host_module.problem


@dataclass
class Ran:
    """One finished command line."""

    code: int
    out: str
    err: str


class Aif:
    """`aif("catalog", "-o", "json")` → Ran. Signed in as a test token unless `signed_in=False`."""

    def __init__(self, url: str, capfd: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self.capfd = capfd

    def __call__(self, *words: str) -> Ran:
        self.capfd.readouterr()
        code = main.run(list(words))
        out, err = self.capfd.readouterr()
        assert "Traceback" not in out + err
        return Ran(int(code), out, err)


@pytest.fixture
def answers() -> Any:
    """The words tests speak with the host: `answers.Answer(…)`, `answers.problem(status, code, …)`."""
    return host_module


@pytest.fixture
def host() -> Iterator[Any]:
    started = Host()
    started.on("GET", "/ssh-keys", Answer({"items": [{"id": "ssh_1", "name": "laptop"}], "next_cursor": None}))
    yield started
    started.close()


@pytest.fixture
def aif(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Aif:
    for name in ("AIF_HOST", "AIF_TOKEN", "AIF_PROFILE", "AIF_TENANT", "AIF_PROJECT", "AIF_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(client, "BACKOFF_SECONDS", (0.01, 0.02, 0.03))
    profiles.save_settings("default", {"host": host.url})
    profiles.save_login("default", host.url, {"token": "aif_session_test", "email": "demo@example.com"})
    return Aif(host.url, capfd)
