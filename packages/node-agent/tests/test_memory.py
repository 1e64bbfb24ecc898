"""What the agent remembers over restarts, and what it may forget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aifactory_agent import settings as configuration
from aifactory_agent.generations import KEEP_SECONDS, Generations
from aifactory_agent.machine import parse_gpu
from aifactory_agent.results import KEEP, Results
from aifactory_protocol import TaskResult

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_generations_only_rise_and_survive_a_restart(tmp_path):
    seen = Generations(tmp_path / "generations")
    assert seen.last("alloc_1") == 0
    seen.saw("alloc_1", 3, 1_000)
    again = Generations(tmp_path / "generations")
    assert again.last("alloc_1") == 3
    with pytest.raises(ValueError):
        again.saw("alloc_1", 2, 1_000)


def test_a_subject_is_forgotten_only_after_any_task_of_it_has_expired(tmp_path):
    seen = Generations(tmp_path / "generations")
    seen.saw("alloc_old", 9, 1_000)
    seen.saw("alloc_new", 1, 1_000 + 86_400)
    assert seen.last("alloc_old") == 9
    seen.saw("alloc_new", 2, 1_001 + KEEP_SECONDS)
    assert seen.last("alloc_old") == 0


def test_a_result_waits_until_it_is_acknowledged_and_is_replayed_after(tmp_path):
    results = Results(tmp_path / "results")
    results.keep(TaskResult("task_1", 1, "done"), NOW)
    results = Results(tmp_path / "results")
    assert [result.task_id for result in results.waiting()] == ["task_1"]
    results.acknowledged("task_1")
    assert results.waiting() == [] and results.find("task_1") is not None
    results.post_again("task_1")
    assert [result.task_id for result in Results(tmp_path / "results").waiting()] == ["task_1"]


def test_old_results_go_but_never_one_that_nobody_has_acknowledged(tmp_path):
    results = Results(tmp_path / "results")
    results.keep(TaskResult("task_told", 1, "done"), NOW)
    results.keep(TaskResult("task_untold", 1, "done"), NOW)
    results.acknowledged("task_told")
    results.prune(NOW + KEEP + timedelta(seconds=1))
    assert results.find("task_told") is None and results.find("task_untold") is not None


def test_a_gpu_line_of_nvidia_smi_is_understood_and_an_error_is_not_a_gpu():
    gpu = parse_gpu("NVIDIA H200, GPU-1234, 143771")
    assert gpu is not None and gpu.memory_bytes == 143_771 * 1024**2
    assert parse_gpu("No devices were found") is None


def test_settings_say_what_is_wrong_with_them():
    with pytest.raises(configuration.BadSetting, match="bubblewrap"):
        configuration.from_environment({"AIF_SANDBOX_DRIVER": "chroot"})
    with pytest.raises(configuration.BadSetting, match="AIF_SLOTS"):
        configuration.from_environment({"AIF_SLOTS": "many"})
    assert configuration.from_environment({"AIF_DATA_DIR": "/d"}).state_dir.name == "agent"
