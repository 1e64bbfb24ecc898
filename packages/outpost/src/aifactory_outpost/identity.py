"""A process's own key, made here and never leaving; its certificate; and the trust it gives to one CA alone."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aifactory_outpost import durable


class NotTrusted(Exception):
    """The other side is not who the bootstrap token or the CA says."""


class NotEnrolled(Exception):
    """There is no identity yet, or one that has run out; the text says what to do."""


@dataclass(frozen=True)
class Identity:
    """The files of an identity in a private folder. A process derives its own, and says in `holder` what it is and in
    `program` what enrols it."""

    folder: Path
    holder: ClassVar[str]
    program: ClassVar[str]

    @property
    def key_file(self) -> Path:
        """The private key, EC P-256, mode 0600."""
        return self.folder / "key.pem"

    @property
    def certificate_file(self) -> Path:
        """Our certificate."""
        return self.folder / "cert.pem"

    @property
    def ca_file(self) -> Path:
        """The one CA we trust."""
        return self.folder / "ca.pem"

    def key(self) -> ec.EllipticCurvePrivateKey:
        """The private key, made at the first call."""
        data = durable.read(self.key_file)
        if data is None:
            made = ec.generate_private_key(ec.SECP256R1())
            data = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            durable.write(self.key_file, data)
        key = serialization.load_pem_private_key(data, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def csr(self, common_name: str) -> str:
        """A request for a certificate of our key, in PEM."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key(), hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def certificate(self) -> x509.Certificate:
        """Our certificate; raises NotEnrolled when there is none."""
        data = durable.read(self.certificate_file)
        if data is None:
            raise NotEnrolled(f"this {self.holder} has no certificate: run `python -m {self.program} enrol`")
        return x509.load_pem_x509_certificate(data)

    def valid_certificate(self, now: datetime) -> x509.Certificate:
        """The certificate, checked before any connection: a refused client would see only an end of file."""
        certificate = self.certificate()
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            raise NotEnrolled(
                f"the {self.holder}'s certificate was valid until {certificate.not_valid_after_utc.isoformat()}: "
                "enrol again with a new bootstrap token"
            )
        return certificate

    def keep_certificate(self, certificate_pem: str, ca_pem: str) -> None:
        """Take a certificate into use, if it is for our key and from this CA; raises NotTrusted."""
        self.check_certificate(certificate_pem, ca_pem)
        durable.write(self.certificate_file, certificate_pem.encode())

    def check_certificate(self, certificate_pem: str, ca_pem: str) -> None:
        """Raises NotTrusted unless it is for our key and from this CA."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        except ValueError as error:
            raise NotTrusted("the control plane did not answer with a certificate") from error
        authority = x509.load_pem_x509_certificate(ca_pem.encode())
        if _public_bytes(certificate.public_key()) != _public_bytes(self.key().public_key()):
            raise NotTrusted(f"the certificate is not for this {self.holder}'s key")
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise NotTrusted(f"the certificate is not from the CA this {self.holder} trusts") from error

    def tls(self, now: datetime) -> ssl.SSLContext:
        """TLS 1.3 to servers of our CA alone, showing our certificate; raises NotEnrolled."""
        self.valid_certificate(now)
        return self.tls_at_any_time()

    def tls_at_any_time(self) -> ssl.SSLContext:
        """The same with a certificate that may have run out, which the other side then refuses. Raises OSError when a
        file is missing or damaged."""
        context = server_trust(self.ca_file.read_text())
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def renewal_due(certificate: x509.Certificate, now: datetime) -> bool:
    """After two thirds of the certificate's life."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= start + (end - start) * 2 / 3


def renewal_pause_seconds(certificate: x509.Certificate, most_seconds: float) -> float:
    """Until the next look whether it is due: a twentieth of the certificate's life, and no more than that."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return min(most_seconds, life.total_seconds() / 20)


def server_trust(ca_pem: str) -> ssl.SSLContext:
    """TLS 1.3, trusting exactly this CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=ca_pem)
    return context


def blind_trust() -> ssl.SSLContext:
    """TLS without knowing the other side: only to fetch the CA, which the token's fingerprint then proves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(ca_pem: str) -> str:
    """sha256 over the CA's DER, in hex; raises NotTrusted when it is no certificate."""
    try:
        authority = x509.load_pem_x509_certificate(ca_pem.encode())
    except ValueError as error:
        raise NotTrusted("the control plane did not answer with a CA certificate") from error
    return hashlib.sha256(authority.public_bytes(serialization.Encoding.DER)).hexdigest()


def _public_bytes(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
