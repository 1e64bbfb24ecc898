"""A file is the old one or the new one, whenever its writer dies."""

import subprocess
import sys

import pytest

from aifactory_outpost import durable

DIES = """
import os, signal, sys
from pathlib import Path
from aifactory_outpost import durable
left = int(sys.argv[2])
def counted(do):
    def call(*args, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*args, **options)
    return call
for name in ("open", "write", "fsync", "fchmod", "close"):
    setattr(os, name, counted(getattr(os, name)))
Path.replace = counted(Path.replace)
durable.write(Path(sys.argv[1]), b"new" * 1000)
"""


def test_what_was_written_is_read_and_is_its_owners(tmp_path):
    file = tmp_path / "file"
    assert durable.read(file) is None
    durable.write(file, b"one")
    durable.write(file, b"two", mode=0o644)
    assert durable.read(file) == b"two" and file.stat().st_mode & 0o777 == 0o644
    durable.remove(file)
    durable.remove(file)
    assert durable.read(file) is None and not list(tmp_path.iterdir())


def test_a_link_in_the_place_of_the_new_file_is_not_written_through(tmp_path):
    (tmp_path / ".file.writing").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        durable.write(tmp_path / "file", b"one")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 6, 7, 8])
def test_killed_at_any_step_it_is_the_old_file_or_the_new_one(tmp_path, steps):
    file = tmp_path / "file"
    durable.write(file, b"old")
    child = subprocess.run([sys.executable, "-c", DIES, str(file), str(steps)], timeout=60, check=False)
    assert child.returncode == -9
    assert durable.read(file) == (b"old" if steps < 6 else b"new" * 1000)


def test_a_private_folder_is_private_also_when_it_was_there(tmp_path):
    (tmp_path / "folder").mkdir(mode=0o755)
    assert durable.private_folder(tmp_path / "folder").stat().st_mode & 0o777 == 0o700
