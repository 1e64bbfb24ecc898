"""One key, one certificate for it, one CA: anything else is not taken."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory_outpost.bootstrap import given_token, proven_ca
from aifactory_outpost.identity import (
    Identity,
    NotEnrolled,
    NotTrusted,
    fingerprint,
    renewal_due,
    renewal_pause_seconds,
)
from aifactory_protocol.enrolment import format_bootstrap_token, parse_bootstrap_token
from aifactory_sim.authority import Authority


class Lighthouse(Identity):
    holder: ClassVar[str] = "lighthouse"
    program: ClassVar[str] = "aifactory_lighthouse"


@pytest.fixture
def identity(tmp_path) -> Lighthouse:
    return Lighthouse(tmp_path)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_the_key_is_made_once_and_is_its_owners(identity):
    first = identity.key()
    assert identity.key().private_numbers() == first.private_numbers()
    assert identity.key_file.stat().st_mode & 0o777 == 0o600


def test_the_request_is_for_that_key_and_name(identity):
    request = x509.load_pem_x509_csr(identity.csr("a" * 80).encode())
    assert request.public_key() == identity.key().public_key() and request.is_signature_valid
    assert request.subject.rfc4514_string() == f"CN={'a' * 64}"


def test_without_a_certificate_it_says_what_to_run(identity):
    with pytest.raises(
        NotEnrolled, match="this lighthouse has no certificate: run `python -m aifactory_lighthouse enrol`"
    ):
        identity.certificate()


def test_a_certificate_is_kept_when_it_is_ours(identity, authority):
    pem = authority.issue(identity.key().public_key(), "one", 60)
    identity.keep_certificate(pem, authority.pem)
    assert identity.certificate_file.read_text() == pem
    identity.ca_file.write_text(authority.pem)
    assert identity.valid_certificate(datetime.now(UTC)) and identity.tls(datetime.now(UTC))


def test_a_certificate_of_another_key_or_another_ca_or_none_is_not_taken(identity, authority):
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    for pem, why in [
        (authority.issue(stranger, "one", 60), "not for this lighthouse's key"),
        (Authority().issue(identity.key().public_key(), "one", 60), "not from the CA"),
        ("no certificate", "did not answer with a certificate"),
    ]:
        with pytest.raises(NotTrusted, match=why):
            identity.keep_certificate(pem, authority.pem)
    assert not identity.certificate_file.exists()


def test_one_that_ran_out_is_no_identity_but_may_still_be_shown(identity, authority):
    identity.keep_certificate(authority.issue(identity.key().public_key(), "one", -1), authority.pem)
    identity.ca_file.write_text(authority.pem)
    for ask in (identity.valid_certificate, identity.tls):
        with pytest.raises(NotEnrolled, match=r"the lighthouse's certificate was valid until .*: enrol again"):
            ask(datetime.now(UTC))
    assert identity.tls_at_any_time()


@pytest.mark.parametrize(("past_seconds", "is_due"), [(0, False), (59, False), (61, True), (89, True)])
def test_it_is_renewed_after_two_thirds_of_its_life(identity, authority, past_seconds, is_due):
    pem = authority.issue(identity.key().public_key(), "one", 90, ago=0)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert renewal_due(certificate, certificate.not_valid_before_utc + timedelta(seconds=past_seconds)) == is_due
    assert renewal_pause_seconds(certificate, 30) == 4.5
    assert renewal_pause_seconds(certificate, 2) == 2


async def test_a_token_proves_the_ca_that_it_names(home):
    home.body = home.authority.pem.encode()
    token = parse_bootstrap_token(format_bootstrap_token(b"a-test-token-of-24-bytes", home.authority.fingerprint))
    assert await proven_ca(home.url, token, "outpost-test") == home.authority.pem
    other = Authority("another CA")
    home.body = other.pem.encode()
    with pytest.raises(NotTrusted, match=f"CA is {other.fingerprint}, the token expects {home.authority.fingerprint}"):
        await proven_ca(home.url, token, "outpost-test")
    home.body = b"<html>"
    with pytest.raises(NotTrusted, match="did not answer with a CA certificate"):
        await proven_ca(home.url, token, "outpost-test")
    assert fingerprint(other.pem) == other.fingerprint


def test_a_token_comes_from_the_file_else_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("from the file\n")
    monkeypatch.setenv("AIF_BOOTSTRAP_TOKEN", "from the environment")
    assert given_token(tmp_path / "token") == "from the file"
    assert given_token(None) == "from the environment"
    monkeypatch.delenv("AIF_BOOTSTRAP_TOKEN")
    assert given_token(None) == ""
