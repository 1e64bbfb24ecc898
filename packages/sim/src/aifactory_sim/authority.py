"""A certificate authority with a key of its own, as the control plane's: for tests that speak its protocols."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PEM = serialization.Encoding.PEM
_LIFE = timedelta(days=1)


class Authority:
    """`pem` is its certificate, `fingerprint` the sha256 over its DER in hex."""

    def __init__(self, name: str = "test CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        now = datetime.now(UTC)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = self._builder(self._name, self._key.public_key(), now - timedelta(hours=1), now + _LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        certificate = builder.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.pem = certificate.public_bytes(_PEM).decode()
        self.fingerprint = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    def issue(
        self,
        public_key: CertificatePublicKeyTypes,
        common_name: str,
        seconds: float,
        server: bool = False,
        ago: float = 60,
    ) -> str:
        """A certificate in PEM that began `ago` seconds before now and ends `seconds` after; a server's is for
        127.0.0.1."""
        now = datetime.now(UTC)
        start, end = now - timedelta(seconds=ago), now + timedelta(seconds=seconds)
        kind = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._builder(_name(common_name), public_key, start, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([kind]), critical=False)
        if server:
            address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(address, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM).decode()

    def server_tls(self) -> ssl.SSLContext:
        """TLS 1.3 on 127.0.0.1 that asks clients for a certificate of this authority and lets those without one in."""
        key = ec.generate_private_key(ec.SECP256R1())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.pem)
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "key", Path(folder) / "cert"
            files[0].write_bytes(pem_of_key(key))
            files[1].write_text(self.issue(key.public_key(), "control plane", 3_600, server=True))
            context.load_cert_chain(files[1], files[0])
        return context

    def _builder(
        self, subject: x509.Name, public_key: CertificatePublicKeyTypes, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(own, critical=False)


def pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Without a passphrase."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
