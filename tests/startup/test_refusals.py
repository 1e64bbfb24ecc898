"""An empty_installation that cannot start says why in words, with an exit code of its own, and leaves nothing behind."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation

pytestmark = pytest.mark.xdist_group("startup")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


def _words(empty_installation: Installation, result: subprocess.CompletedProcess[str], code: int) -> str:
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert empty_installation.processes() == []
    return result.stderr


@pytest.mark.parametrize("flag", ["--port", "--gateway-port", "--agent-port"])
def test_a_busy_port_names_who_has_it_and_the_flag(empty_installation: Installation, flag: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = _words(empty_installation, empty_installation.up(f"{flag}={port}"), 22)
    assert f"Port {port} is in use by" in words
    assert f"(pid {os.getpid()})" in words
    assert f"aif up {flag} " in words


def test_a_directory_of_a_newer_version_is_left_alone(empty_installation: Installation) -> None:
    empty_installation.data_dir.mkdir()
    version = empty_installation.data_dir / "VERSION"
    version.write_text("aifactory 9.4.0\nlayout 1\npostgres 18\nmigrations 100000\n")
    words = _words(empty_installation, empty_installation.up(), 24)
    assert "written by a newer version: aifactory 9.4.0" in words
    assert version.read_text().startswith("aifactory 9.4.0")
    assert not (empty_installation.data_dir / "postgres/cluster").exists()


def test_a_path_too_long_for_a_socket_is_refused_with_the_numbers(empty_installation: Installation) -> None:
    empty_installation.data_dir = empty_installation.top / ("d" * 100)
    words = _words(empty_installation, empty_installation.up(), 25)
    assert "too long for PostgreSQL's socket" in words
    assert "--data-dir" in words


def test_a_data_directory_that_is_a_file_is_refused(empty_installation: Installation) -> None:
    empty_installation.data_dir.write_text("not a directory")
    assert "cannot be used" in _words(empty_installation, empty_installation.up(), 25)
    assert empty_installation.data_dir.read_text() == "not a directory"


@pytest.fixture
def small_disk(empty_installation: Installation) -> Iterator[Path]:
    disk = empty_installation.top / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@as_root
def test_a_full_disk_is_told_before_anything_is_written(empty_installation: Installation, small_disk: Path) -> None:
    empty_installation.data_dir = small_disk / "data"
    words = _words(empty_installation, empty_installation.up(), 23)
    assert "The disk is full" in words
    assert "MB are needed" in words
    assert not (empty_installation.data_dir / "postgres").exists()


@as_root
def test_a_disk_without_a_single_byte_is_told_too(empty_installation: Installation, small_disk: Path) -> None:
    with (small_disk / "filler").open("wb") as filler:
        try:
            while filler.write(b"\0" * 1_000_000):
                filler.flush()
        except OSError:
            pass
    empty_installation.data_dir = small_disk / "data"
    assert "The disk is full" in _words(empty_installation, empty_installation.up(), 23)


def test_down_and_status_where_nothing_runs(empty_installation: Installation) -> None:
    down, status = empty_installation.command("down"), empty_installation.command("status")
    assert (down.returncode, down.stdout) == (0, f"nothing runs in {empty_installation.data_dir}\n")
    assert status.returncode == 20
    assert not empty_installation.data_dir.exists()
