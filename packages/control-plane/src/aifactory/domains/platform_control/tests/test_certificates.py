"""What the CA signs and what it refuses; and that a strict TLS stack believes the result."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from aifactory.domains.platform_control import secrets
from aifactory.domains.platform_control.certificates import CSR_LIMIT_BYTES, issue_agent_certificate, read_csr
from aifactory.kernel.errors import Problem

HOUR = timedelta(hours=1)


def a_csr(key=None, name="whatever", extra=()):
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    for extension in extra:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def authority(tmp_path):
    secrets.init_secrets(tmp_path, now=datetime.now(UTC))
    return secrets.load_authority(tmp_path)


def test_a_leaf_carries_our_names_and_none_of_the_requests(authority):
    asks_for_more = [x509.BasicConstraints(ca=True, path_length=None)]
    now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    issued = issue_agent_certificate(
        authority,
        a_csr(name="node_other", extra=asks_for_more),
        node_id="node_1",
        certificate_id="cert_1",
        now=now,
        life=HOUR,
    )
    leaf = x509.load_pem_x509_certificate(issued.pem.encode())
    assert leaf.subject.rfc4514_string() == "CN=node_1"
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert (issued.not_before, issued.not_after) == (now - timedelta(minutes=1), now + HOUR)
    leaf.verify_directly_issued_by(authority.certificate)


def test_a_leaf_never_outlives_the_authority(authority):
    end = authority.certificate.not_valid_after_utc
    issued = issue_agent_certificate(
        authority, a_csr(), node_id="node_1", certificate_id="cert_1", now=end - timedelta(minutes=5), life=HOUR
    )
    assert issued.not_after == end


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "not a request",
        "x" * (CSR_LIMIT_BYTES + 1),
        "ä",
        a_csr(ec.generate_private_key(ec.SECP384R1())),
        a_csr(rsa.generate_private_key(65537, 2048)),
        a_csr()[:-60] + "AAAA\n-----END CERTIFICATE REQUEST-----\n",
    ],
    ids=["empty", "text", "large", "not ascii", "P-384", "RSA", "torn"],
)
def test_other_requests_are_refused_naming_the_field(bad):
    with pytest.raises(Problem) as refused:
        read_csr(bad)
    assert (refused.value.status, refused.value.field) == (422, "csr_pem")


def test_a_request_not_signed_by_its_own_key_is_refused():
    der = bytearray(x509.load_pem_x509_csr(a_csr().encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    import base64

    torn = (
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.b64encode(der).decode()
        + "\n-----END CERTIFICATE REQUEST-----\n"
    )
    with pytest.raises(Problem):
        read_csr(torn)


def test_strict_mutual_tls_accepts_both_sides(authority, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    issued = issue_agent_certificate(
        authority, a_csr(key), node_id="node_1", certificate_id="cert_1", now=datetime.now(UTC), life=HOUR
    )
    (tmp_path / "leaf.pem").write_text(issued.pem)
    (tmp_path / "leaf.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "agent_server.pem", tmp_path / "agent_server.key")
    server.load_verify_locations(tmp_path / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(tmp_path / "leaf.pem", tmp_path / "leaf.key")
    ours, theirs = socket.socketpair()
    seen: list[bytes | None] = []

    def serve() -> None:
        with server.wrap_socket(theirs, server_side=True) as connection:
            seen.append(connection.getpeercert(True))
            connection.send(b"ok")

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(ours, server_hostname="localhost") as connection:
        assert connection.recv(2) == b"ok"
    thread.join(10)
    assert seen == [x509.load_pem_x509_certificate(issued.pem.encode()).public_bytes(serialization.Encoding.DER)]
