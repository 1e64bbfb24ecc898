"""Sanitising gives evidence step by step, and does not call dirty clean."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from aifactory_agent import sanitize, verbs
from aifactory_agent.host import mounts, processes
from aifactory_protocol import SlotSanitize

STEPS = ["processes_ended", "mounts_gone", "scratch_removed", "leftovers_removed", "cgroups_removed", "ports_closed"]


def test_whatever_the_slots_user_left_is_found_and_removed(landlord):
    record = landlord.start("alloc_messy", slot_index=2)
    landlord.stop("alloc_messy")
    stray = subprocess.Popen(["setpriv", f"--reuid={record.uid}", "--clear-groups", "--regid=65534", "sleep", "600"])
    ends = time.monotonic() + 20
    while stray.pid not in processes.of_user(record.uid):
        assert time.monotonic() < ends, "it does not become the slot's user"
        time.sleep(0.01)
    shared = Path(f"/dev/shm/left-{record.uid}")
    shared.write_text("left")
    os.chown(shared, record.uid, record.uid)
    folder = landlord.node.sandbox_folder("alloc_messy") / "scratch"
    folder.mkdir(parents=True)
    processes.run(["mount", "-t", "tmpfs", "none", str(folder)])
    (folder / "secret").write_text("left")
    done = verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_messy"), 1)
    assert [step.step for step in done.evidence] == STEPS
    assert all(step.ok for step in done.evidence), done.evidence
    assert "1 processes" in done.evidence[0].detail
    assert stray.wait(timeout=5) == -9
    assert not shared.exists() and not folder.exists()


def test_a_step_that_does_not_succeed_fails_the_task_with_all_the_evidence(landlord, monkeypatch):
    landlord.start("alloc_stuck", slot_index=2)
    landlord.stop("alloc_stuck")
    folder = landlord.node.sandbox_folder("alloc_stuck") / "scratch"
    folder.mkdir(parents=True)
    processes.run(["mount", "-t", "tmpfs", "none", str(folder)])
    holder = subprocess.Popen(["sleep", "600"], cwd=folder)
    patient = mounts.unmount
    monkeypatch.setattr(mounts, "unmount", lambda point: patient(point, timeout_seconds=0.2))
    try:
        with pytest.raises(verbs.Failed) as failed:
            verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_stuck"), 1)
    finally:
        holder.kill()
        holder.wait()
    verdict = {step.step: step.ok for step in failed.value.evidence}
    assert failed.value.code == "sanitize_failed"
    assert list(verdict) == STEPS and not verdict["mounts_gone"] and verdict["processes_ended"]
    assert verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_stuck"), 1).evidence[1].ok


def test_a_slot_that_holds_another_allocation_is_not_touched(landlord):
    landlord.start("alloc_living", slot_index=2)
    try:
        with pytest.raises(verbs.Failed) as failed:
            verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_gone"), 1)
        assert failed.value.code == "slot_in_use"
        assert landlord.record("alloc_living").state == "running"
    finally:
        landlord.stop("alloc_living")


def test_sanitising_a_slot_with_its_sandbox_still_there_ends_it(landlord):
    landlord.start("alloc_late", slot_index=2)
    assert verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_late"), 1).evidence
    assert landlord.record("alloc_late").state == "stopped"
    landlord.node.records.forget("alloc_late")


def test_files_of_others_that_vanish_meanwhile_do_not_make_a_slot_dirty(landlord, monkeypatch, tmp_path):
    """Temporary places are busy on every machine: what is listed may be gone when it is looked at, or when it is removed."""
    landlord.start("alloc_busy", slot_index=2)
    landlord.stop("alloc_busy")
    monkeypatch.setattr(sanitize, "SHARED_PLACES", (tmp_path,))
    (tmp_path / "somebody's").touch()

    def listed_late(place):
        entries = list(os.scandir(place))
        for file in tmp_path.iterdir():
            file.unlink()
        return entries

    monkeypatch.setattr(sanitize, "os", SimpleNamespace(scandir=listed_late))
    assert all(step.ok for step in verbs.carry_out(landlord.node, SlotSanitize(2, "alloc_busy"), 1).evidence)
    sanitize._remove(tmp_path / "gone")
