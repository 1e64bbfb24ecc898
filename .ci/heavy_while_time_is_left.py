"""A pytest plugin for `.ci/run`: starts no further heavy test when AIF_HEAVY_SECONDS have passed, and says so."""

import os
import time

import pytest

_END = time.monotonic() + float(os.environ["AIF_HEAVY_SECONDS"])


def pytest_runtest_setup(item: pytest.Item) -> None:
    if time.monotonic() > _END:
        pytest.skip("no time is left in this run; `make test-heavy` runs it")
