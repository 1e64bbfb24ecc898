"""Who this gateway is: written when it enrols, read at every start."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import msgspec
from msgspec import Struct


class NotEnrolled(Exception):
    """The gateway has no identity; the text says what to do."""


class Enrolment(Struct, frozen=True):
    """`pepper`: base64 of the key under which keys are hashed for gateways. `url`: the control plane's."""

    gateway_id: str
    url: str
    pepper: str

    def pepper_bytes(self) -> bytes:
        return base64.b64decode(self.pepper, validate=True)


def enrolment(folder: Path) -> Enrolment:
    """Raises NotEnrolled."""
    file = folder / "gateway.json"
    if not file.exists():
        raise NotEnrolled(f"{file} is not there: this gateway is not enrolled")
    try:
        return msgspec.json.decode(file.read_bytes(), type=Enrolment)
    except msgspec.MsgspecError as error:
        raise NotEnrolled(f"{file} cannot be read ({error}): enrol again") from error


def trust(folder: Path, url: str) -> ssl.SSLContext | None:
    """TLS 1.3 with the operator's own CA, showing our certificate; None for plain HTTP, which only loopback may use."""
    if url.startswith("http://127.0.0.1:"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cafile=folder / "ca.pem")
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    except OSError as error:
        raise NotEnrolled(f"the certificate in {folder} cannot be used ({error}): enrol again") from error
    return context
