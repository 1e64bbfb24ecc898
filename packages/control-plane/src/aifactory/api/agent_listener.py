"""The node agents' listener: TLS 1.3, certificates of our own CA, checked again on every request.

A kept-alive connection outlives the certificate it was opened with, so expiry and revocation are looked at per request.
Only `/internal/v3/ca` and `/internal/v3/bootstrap` may be used without a certificate.
"""

import ssl
from pathlib import Path
from typing import Any

from cryptography import x509

from aifactory.api.connections import BoundedProtocol


class PeerCertificateProtocol(BoundedProtocol):
    """Puts the client's certificate (DER bytes or None) into `scope["extensions"]["tls"]["client_certificate"]`."""

    _peer: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self._peer = tls.getpeercert(True) if tls is not None else None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope.setdefault("extensions", {})["tls"] = {"client_certificate": self._peer}  # type: ignore[typeddict-unknown-key]


def server_context(secrets_dir: Path) -> ssl.SSLContext:
    """A certificate is optional on the handshake because bootstrap has none yet; the routes require it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(secrets_dir / "agent_server.pem", secrets_dir / "agent_server.key")
    context.load_verify_locations(secrets_dir / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.num_tickets = 0  # a resumed session would skip the check of the certificate
    return context


def peer_certificate(scope: Any) -> x509.Certificate | None:
    der = scope.get("extensions", {}).get("tls", {}).get("client_certificate")
    return x509.load_der_x509_certificate(der) if der else None
