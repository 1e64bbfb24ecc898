"""The agents' certificate authority: what is signed, for whom, and for how long. Pure: time and ids come in.

An agent, and a token gateway, proves itself with a short-lived certificate over a key that never leaves its machine. The
certificate carries the holder's id twice: as common name for people, and as a URI for machines. Anything else a request
asks for is ignored.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aifactory.kernel.errors import invalid

CSR_LIMIT_BYTES = 4096
CLOCK_SKEW = timedelta(seconds=60)
URI_PREFIXES = {"node": "spiffe://aifactory/node/", "gw": "spiffe://aifactory/gateway/"}  # by the kind of id


@dataclass(frozen=True)
class IssuedCertificate:
    """A freshly signed certificate and what the register keeps of it."""

    pem: str
    serial: str
    fingerprint_sha256: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class Authority:
    """The CA's key with its own certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, hex: what a bootstrap token carries and an agent compares."""
        return fingerprint(self.certificate)

    @classmethod
    def from_pem(cls, key_pem: bytes, certificate_pem: bytes) -> "Authority":
        key = serialization.load_pem_private_key(key_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the CA's key is not an elliptic-curve key")
        return cls(key, x509.load_pem_x509_certificate(certificate_pem))


def fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def serial_text(certificate: x509.Certificate) -> str:
    """The serial as the register spells it: lowercase hex, at least 16 digits."""
    return format(certificate.serial_number, "016x")


def serial_of_id(certificate_id: str) -> int:
    """A positive serial of at most 152 bits from our own unpredictable id, so that both name one certificate."""
    return int.from_bytes(hashlib.sha256(certificate_id.encode()).digest()[:19], "big") | 1


def read_csr(csr_pem: str) -> x509.CertificateSigningRequest:
    """The request, if it is one we sign: small, PEM, P-256, and signed by its own key. Otherwise a 422 problem."""
    if len(csr_pem) > CSR_LIMIT_BYTES:
        raise invalid("csr_pem", f"The request is larger than {CSR_LIMIT_BYTES} bytes.", "Send a plain P-256 request.")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode("ascii"))
        key = csr.public_key()
        signed = csr.is_signature_valid
    except (ValueError, InvalidSignature, UnicodeEncodeError) as error:
        raise invalid("csr_pem", "This is not a PEM certificate request.", "Send a PKCS#10 request in PEM.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise invalid("csr_pem", "Only P-256 keys are signed.", "Make an EC key on curve P-256.")
    if not signed:
        raise invalid("csr_pem", "The request is not signed by the key it names.", "Sign it with the node's own key.")
    return csr


def issue_agent_certificate(
    authority: Authority, csr_pem: str, *, node_id: str, certificate_id: str, now: datetime, life: timedelta
) -> IssuedCertificate:
    """Signs the request's key for this node or gateway, for `life` from `now` (backdated one minute against clock skew)."""
    csr = read_csr(csr_pem)
    names = [x509.UniformResourceIdentifier(URI_PREFIXES[node_id.partition("_")[0]] + node_id)]
    builder = _leaf(authority, csr.public_key(), node_id, names, serial_of_id(certificate_id), now, life)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _issued(builder.add_extension(usage, critical=False).sign(authority.key, hashes.SHA256()))


def issue_server_certificate(
    authority: Authority,
    key: ec.EllipticCurvePublicKey,
    names: list[x509.GeneralName],
    *,
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    """The agent listener's own certificate."""
    serial = x509.random_serial_number()
    builder = _leaf(authority, key, "aifactory agent listener", names, serial, now, life)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return builder.add_extension(usage, critical=False).sign(authority.key, hashes.SHA256())


def issue_authority(key: ec.EllipticCurvePrivateKey, *, now: datetime, life: timedelta) -> x509.Certificate:
    """A self-signed root which may sign leaves only."""
    name = _name("AI Factory agent CA")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    authority: Authority,
    public_key: CertificatePublicKeyTypes,
    common_name: str,
    names: Sequence[x509.GeneralName],
    serial: int,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(authority.certificate.subject, _name(common_name), public_key, serial)
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + life, authority.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _issued(certificate: x509.Certificate) -> IssuedCertificate:
    return IssuedCertificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        serial=serial_text(certificate),
        fingerprint_sha256=fingerprint(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )
