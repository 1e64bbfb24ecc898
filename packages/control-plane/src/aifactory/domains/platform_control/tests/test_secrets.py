"""Key files: made once, private, and never silently replaced."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from aifactory.domains.platform_control import secrets

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_a_second_call_writes_nothing(tmp_path):
    first = secrets.init_secrets(tmp_path, ["node.example"], now=NOW)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(first) == set(kept)
    assert secrets.init_secrets(tmp_path, ["node.example"], now=NOW) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_private_files_are_readable_by_their_owner_only(tmp_path):
    secrets.init_secrets(tmp_path, now=NOW)
    for name in secrets.OWNERS:
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name


def test_the_listeners_certificate_names_every_host(tmp_path):
    secrets.init_secrets(tmp_path, ["factory.example", "192.0.2.7"], now=NOW)
    certificate = x509.load_pem_x509_certificate((tmp_path / "agent_server.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(n.value) for n in names} == {"127.0.0.1", "::1", "localhost", "factory.example", "192.0.2.7"}


@pytest.mark.parametrize(("later", "renewed"), [(timedelta(days=100), False), (timedelta(days=300), True)])
def test_the_listeners_certificate_is_renewed_in_its_last_third(tmp_path, later, renewed):
    secrets.init_secrets(tmp_path, now=NOW)
    written = secrets.init_secrets(tmp_path, now=NOW + later)
    assert written == (["agent_server.key", "agent_server.pem"] if renewed else [])


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem"])
def test_half_an_authority_is_refused_and_not_replaced(tmp_path, lost):
    secrets.init_secrets(tmp_path, now=NOW)
    (tmp_path / lost).unlink()
    with pytest.raises(secrets.SecretMissing, match=lost):
        secrets.init_secrets(tmp_path, now=NOW)
    assert not (tmp_path / lost).exists()


def test_a_missing_key_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(secrets.SecretMissing, match="init-secrets"):
        secrets.load_task_key(tmp_path)
