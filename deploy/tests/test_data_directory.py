"""The data directory's own promises: versions, passwords, logs, and who may read what."""

import os
from pathlib import Path

import pytest

from aifactory_deploy.accounts import Account
from aifactory_deploy.layout import Layout, check_version, record_version, write_whole
from aifactory_deploy.logs import cut_long_logs, last_lines, open_log
from aifactory_deploy.refusal import Exit, Refusal


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data")
    made.open_root()
    made.passwords.mkdir()
    return made


def test_a_version_we_wrote_ourselves_is_accepted(layout: Layout) -> None:
    check_version(layout, 18, 30)
    record_version(layout, 18, 30)
    check_version(layout, 18, 30)
    check_version(layout, 18, 31)


@pytest.mark.parametrize("line", ["layout 2", "postgres 19", "migrations 31", "migrations many"])
def test_a_version_with_anything_newer_is_refused(layout: Layout, line: str) -> None:
    record_version(layout, 18, 30)
    name = line.split()[0]
    kept = [old for old in layout.version.read_text().splitlines() if not old.startswith(name)]
    layout.version.write_text("\n".join([*kept, line]))
    with pytest.raises(Refusal) as refused:
        check_version(layout, 18, 30)
    assert refused.value.exit_code == Exit.NEWER_DATA


def test_a_database_of_an_older_major_version_is_not_touched(layout: Layout) -> None:
    record_version(layout, 17, 30)
    with pytest.raises(Refusal, match="PostgreSQL 17"):
        check_version(layout, 18, 30)


def test_a_password_is_made_once_and_is_for_nobody_else(layout: Layout) -> None:
    first = layout.password("api")
    assert len(first) == 48
    assert layout.password("api") == first
    assert layout.password("worker") != first
    assert (layout.passwords / "api").stat().st_mode & 0o777 == 0o600


def test_a_long_log_is_cut_while_its_writer_goes_on(layout: Layout) -> None:
    log = open_log(layout.logs, "api")
    os.write(log, b"old\n" * 100)
    cut_long_logs(layout.logs, limit_bytes=100)
    os.write(log, b"new\n")
    os.close(log)
    assert (layout.logs / "api.log").read_bytes() == b"new\n"
    assert (layout.logs / "api.log.1").read_bytes() == b"old\n" * 100


def test_last_lines_are_the_newest_ones_of_this_run(layout: Layout) -> None:
    (layout.logs / "setup.log").write_text("before\n" + "".join(f"line {n}\n" for n in range(20)))
    assert last_lines(layout.logs, "setup", 2) == "line 18\nline 19"
    assert last_lines(layout.logs, "setup", 99, since_byte=7).startswith("line 0")
    assert last_lines(layout.logs, "absent") == ""


def test_what_we_write_into_a_services_directory_follows_no_link_of_the_service(tmp_path: Path) -> None:
    """We are root there: a service that was broken into must not choose which file we overwrite or give away."""
    precious, place = tmp_path / "precious", tmp_path / "nats.conf"
    precious.write_text("keep")
    precious.chmod(0o600)
    (tmp_path / "nats.conf.new").symlink_to(precious)
    place.symlink_to(precious)
    write_whole(place, "ours", owner=Account("me", os.geteuid(), os.getegid()))
    assert precious.read_text() == "keep"
    assert not place.is_symlink() and place.read_text() == "ours" and place.stat().st_mode & 0o777 == 0o600
