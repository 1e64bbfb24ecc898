"""Services are told what they need and nothing of the caller's."""

from pathlib import Path

import pytest

from aifactory_deploy import environment
from aifactory_deploy.layout import Layout
from aifactory_deploy.options import UpOptions, default_data_dir


@pytest.fixture(autouse=True)
def callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_SECRET_ACCESS_KEY": "callers-secret",
        "PYTHONPATH": "/somewhere",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIF_LOG_LEVEL": "debug",
        "AIF_OWNER_URL": "postgresql://owner@db/x",
        "AIF_NATS_URL": "nats://user:password@broker",
        "AIF_SANDBOX_DRIVER": "process",
        "AIF_TOKEN": "callers-sign-in",
        "AIF_BOOTSTRAP_TOKEN": "callers-token",
    }.items():
        monkeypatch.setenv(name, value)


def _api(options: UpOptions) -> dict[str, str]:
    layout = Layout(options.data_dir)
    return environment.control_plane(options, layout, "api", "postgresql://api@/x", "nats://127.0.0.1:4")


def test_nothing_of_the_caller_reaches_a_service_except_its_settings() -> None:
    told = _api(UpOptions(data_dir=Path("/data"), port=9042))
    assert told["AIF_LOG_LEVEL"] == "debug"
    assert told["AIF_HTTP_PORT"] == "9042"
    assert told["AIF_DATABASE_URL"] == "postgresql://api@/x"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "AIF_OWNER_URL"} & set(told)
    assert not {"AIF_TOKEN", "AIF_BOOTSTRAP_TOKEN"} & set(told)


def test_where_this_machine_says_that_it_is_reached_the_control_plane_believes_it(monkeypatch) -> None:
    """Its agent speaks over loopback, so the address of its doors cannot be told from where it speaks."""
    assert "AIF_NODE_SSH_HOSTS" not in _api(UpOptions(data_dir=Path("/data")))
    monkeypatch.setenv("AIF_SSH_HOST", "192.0.2.7")
    monkeypatch.setenv("AIF_NODE_SSH_HOSTS", "far=198.51.100.9")
    told = _api(UpOptions(data_dir=Path("/data")))["AIF_NODE_SSH_HOSTS"]
    assert told == f"far=198.51.100.9,{environment.node_name()}=192.0.2.7"


def test_the_development_issuer_is_for_those_without_one_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _api(UpOptions(data_dir=Path("/data")))["AIF_DEV_ISSUER"] == "1"
    monkeypatch.setenv("AIF_OIDC_ISSUER", "https://sso.example.com")
    assert "AIF_DEV_ISSUER" not in _api(UpOptions(data_dir=Path("/data")))


def test_the_agent_knows_neither_database_nor_broker() -> None:
    told = environment.agent(UpOptions(data_dir=Path("/data"), slots=3), Path("/data/agent"))
    assert (told["AIF_SLOTS"], told["AIF_SANDBOX_DRIVER"]) == ("3", "process")
    assert not [name for name in told if "DATABASE" in name or "NATS" in name or "OWNER" in name]


def test_an_external_database_needs_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.external_databases() is None
    monkeypatch.setenv("AIF_DATABASE_URL", "postgresql://api@db/x")
    found = environment.external_databases()
    assert found is not None
    assert (found.owner, found.api, found.worker) == (
        "postgresql://owner@db/x",
        "postgresql://api@db/x",
        "postgresql://api@db/x",
    )


def test_the_data_directory_can_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_DATA_DIR", "/srv/aif")
    assert default_data_dir() == Path("/srv/aif")


def test_only_the_worker_is_told_of_the_object_stores_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_S3_URL", "https://s3.example.com")
    monkeypatch.setenv("AIF_S3_ADMIN_SECRET_FILE", "/etc/s3-admin")
    options = UpOptions(data_dir=Path("/data"))
    assert not [name for name in _api(options) if name.startswith("AIF_S3_")]
    worker = environment.control_plane(options, Layout(options.data_dir), "worker", "postgresql://worker@/x", "")
    assert worker["AIF_S3_URL"] == "https://s3.example.com" and worker["AIF_S3_ADMIN_SECRET_FILE"] == "/etc/s3-admin"


def test_an_object_store_comes_along_unless_there_is_another_or_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.wants_object_store()
    monkeypatch.setenv("AIF_OBJECT_STORE", "none")
    assert not environment.wants_object_store()
    monkeypatch.delenv("AIF_OBJECT_STORE")
    monkeypatch.setenv("AIF_S3_URL", "https://s3.example.com")
    assert not environment.wants_object_store()
