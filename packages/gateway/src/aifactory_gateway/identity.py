"""Who this gateway is: its key and certificate, and what enrolling told it beside them."""

from __future__ import annotations

import base64
import ssl
from typing import ClassVar

import msgspec
from msgspec import Struct

from aifactory_outpost import durable
from aifactory_outpost.identity import Identity, NotEnrolled, NotTrusted

PEPPER_BYTES = 32
_PLAIN = "http://127.0.0.1:"
USER_AGENT = "aifactory-gateway"


class Enrolment(Struct, frozen=True):
    """What enrolling brought; written last, so its presence means that everything is there. `url`: the control plane's.
    `pepper`: the key, in base64url, under which keys are hashed for gateways."""

    gateway_id: str
    gateway_name: str
    url: str
    pepper: str

    def pepper_bytes(self) -> bytes:
        """Raises NotTrusted when it is no key of PEPPER_BYTES."""
        try:
            pepper = base64.b64decode(self.pepper + "=" * (-len(self.pepper) % 4), b"-_", validate=True)
        except ValueError as error:
            raise NotTrusted("the pepper is not base64url") from error
        if len(pepper) != PEPPER_BYTES:
            raise NotTrusted(f"the pepper has {len(pepper)} bytes, not {PEPPER_BYTES}")
        return pepper


class GatewayIdentity(Identity):
    """The files of the gateway's identity in its state folder."""

    holder: ClassVar[str] = "gateway"
    program: ClassVar[str] = "aifactory_gateway"

    def enrolment(self) -> Enrolment:
        """What the gateway is enrolled as; raises NotEnrolled."""
        file = self.folder / "gateway.json"
        data = durable.read(file)
        if data is None:
            raise NotEnrolled(
                f"{file} is not there: this gateway is not enrolled. "
                "Run `python -m aifactory_gateway enrol` with a bootstrap token"
            )
        try:
            known = msgspec.json.decode(data, type=Enrolment)
            known.pepper_bytes()
        except (msgspec.MsgspecError, NotTrusted) as error:
            raise NotEnrolled(f"{file} cannot be read ({error}): enrol again") from error
        return known

    def forget_enrolment(self) -> None:
        """Not enrolled any more, until `keep_enrolment`: half of a new identity beside half of an old one is none."""
        durable.remove(self.folder / "gateway.json")

    def keep_enrolment(self, made: Enrolment) -> None:
        durable.write(self.folder / "gateway.json", msgspec.json.encode(made))

    def trust(self, url: str) -> ssl.SSLContext | None:
        """How to speak to the control plane, with a certificate that may have run out; None for plain HTTP, which only
        loopback may use, for tests. Raises NotEnrolled when the files cannot be used."""
        if url.startswith(_PLAIN):
            return None
        try:
            self.certificate()
            return self.tls_at_any_time()
        except (OSError, ValueError) as error:
            raise NotEnrolled(f"the certificate in {self.folder} cannot be used ({error}): enrol again") from error
