"""Loads the control plane's fixtures for every test in the repository, and sees to it that stories stay whole."""

import pytest

pytest_plugins = ["aifactory.testing.plugin", "aifactory.testing.contract_watch"]


LONGEST_NAME = 80  # characters of a parameter in a test's name


def pytest_make_parametrize_id(val: object) -> str | None:
    """A long text is named by its beginning and its length, so that reports can be read."""
    if isinstance(val, (str, bytes)) and len(val) > LONGEST_NAME:
        return f"{val[:20]!r}... {len(val)} long"
    return None


def pytest_collection_finish(session: pytest.Session) -> None:
    """A worker's tests of an `xdist_group` carry its name; without it their house would be started on each worker."""
    if not session.config.getoption("loadgroup", False):
        return
    torn = [item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
    if torn:
        raise pytest.UsageError(f"pytest and pytest-xdist do not agree about groups: {torn[0]} has lost its own")
