"""A volume outlives sandboxes, keeps its size, and is gone when it is deleted."""

from __future__ import annotations

import pytest

from aifactory_agent import verbs
from aifactory_agent.mount_paths import BadMountPath, check
from aifactory_agent.volumes import FolderVolumes, VolumeBusy, VolumeMissing
from aifactory_protocol import VolumeCreate, VolumeDelete

MEGABYTE = 1024**2


async def test_a_file_survives_a_stop_and_a_start_on_another_slot(tenant, landlord):
    verbs.carry_out(landlord.node, VolumeCreate("vol_kept", 64 * MEGABYTE), 1)
    first = landlord.start("alloc_first", 0, {"vol_kept": "/volumes/data"})
    await tenant.run(
        first,
        "mkdir -p /volumes/data/deep; echo precious > /volumes/data/deep/file; chmod 600 /volumes/data/deep/file",
        check=True,
    )
    landlord.stop("alloc_first")
    second = landlord.start("alloc_second", 1, {"vol_kept": "/home/tenant/work"})
    try:
        assert second.uid != first.uid
        done = await tenant.run(
            second, "cat ~/work/deep/file && echo more >> ~/work/deep/file && stat -c %U ~/work/deep/file"
        )
        assert done.stdout == "precious\ntenant\n"
    finally:
        landlord.stop("alloc_second")
    verbs.carry_out(landlord.node, VolumeDelete("vol_kept"), 1)


async def test_its_size_is_enforced_and_df_tells_it(tenant, landlord):
    verbs.carry_out(landlord.node, VolumeCreate("vol_small", 32 * MEGABYTE), 1)
    record = landlord.start("alloc_filler", 0, {"vol_small": "/volumes/small"})
    try:
        done = await tenant.run(
            record, "head -c 60000000 /dev/zero > /volumes/small/x; df --output=size -B1M /volumes/small | tail -1"
        )
        assert "No space left" in done.stderr
        assert 24 <= int(done.stdout) <= 32
        flags = await tenant.run(record, "grep ' /volumes/small ' /proc/mounts")
        assert "nosuid" in flags.stdout and "nodev" in flags.stdout
    finally:
        landlord.stop("alloc_filler")
        verbs.carry_out(landlord.node, VolumeDelete("vol_small"), 1)


def test_a_mounted_volume_is_neither_deleted_nor_mounted_twice(landlord):
    verbs.carry_out(landlord.node, VolumeCreate("vol_busy", 32 * MEGABYTE), 1)
    landlord.start("alloc_user", 0, {"vol_busy": "/volumes/busy"})
    try:
        with pytest.raises(verbs.Failed) as deleted:
            verbs.carry_out(landlord.node, VolumeDelete("vol_busy"), 1)
        with pytest.raises(verbs.Failed) as mounted:
            verbs.carry_out(landlord.node, landlord.order("alloc_thief", 1, {"vol_busy": "/volumes/busy"}), 1)
        assert deleted.value.code == mounted.value.code == "volume_busy"
        assert landlord.node.records.find("alloc_thief") is None
    finally:
        landlord.stop("alloc_user")
    done = verbs.carry_out(landlord.node, VolumeDelete("vol_busy"), 1)
    assert done.output["erased_bytes"] > 0
    assert not list(landlord.node.settings.volumes_dir.glob("*vol_busy*"))
    assert verbs.carry_out(landlord.node, VolumeDelete("vol_busy"), 1).output["erased_bytes"] == 0


def test_a_start_with_a_missing_volume_leaves_nothing_behind(landlord):
    with pytest.raises(verbs.Failed) as failed:
        verbs.carry_out(landlord.node, landlord.order("alloc_lost", 0, {"vol_nowhere": "/volumes/x"}), 1)
    assert failed.value.code == "volume_missing"
    assert landlord.node.records.find("alloc_lost") is None
    assert not landlord.node.sandbox_folder("alloc_lost").exists()


@pytest.mark.parametrize(
    "path", ["/etc", "/usr/lib", "/home", "/home/tenant", "/home/other/x", "/volumes/../etc", "/proc/x", "/volumes//x"]
)
def test_a_volume_cannot_cover_what_the_sandbox_needs(path):
    with pytest.raises(BadMountPath):
        check([path])


def test_volumes_cannot_lie_in_one_another():
    check(["/volumes/a", "/volumes/b", "/home/tenant/work"])
    with pytest.raises(BadMountPath):
        check(["/volumes/a", "/volumes/a/b"])


def test_without_root_a_volume_is_a_folder_and_says_that_its_size_is_not_enforced(tmp_path):
    store, point = FolderVolumes(tmp_path / "volumes"), tmp_path / "box" / "vol_1"
    assert store.capability.enforces_size is False
    with pytest.raises(VolumeMissing):
        store.attach("vol_1", point, 0)
    store.create("vol_1", MEGABYTE)
    store.attach("vol_1", point, 0)
    (point / "file").write_text("kept")
    with pytest.raises(VolumeBusy):
        store.delete("vol_1")
    with pytest.raises(VolumeBusy):
        store.attach("vol_1", tmp_path / "other" / "vol_1", 0)
    store.detach("vol_1", point)
    store.attach("vol_1", point, 0)
    assert (point / "file").read_text() == "kept"
    store.detach("vol_1", point)
    assert store.delete("vol_1") == 4
    assert not (tmp_path / "volumes" / "vol_1").exists()
