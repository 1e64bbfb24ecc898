"""The gateway's certificate: renewed in time, taken from an enrolment beside us, and its end said again and again.

A gateway whose certificate has run out cannot reach the control plane. It serves what it knows for as long as that is
trusted; then it can do nothing more, and ends, so that whoever keeps it running may enrol it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509

from aifactory_gateway.control_plane import HttpControlPlane
from aifactory_gateway.identity import GatewayIdentity
from aifactory_outpost.identity import NotEnrolled, renewal_due, renewal_pause_seconds
from aifactory_protocol.enrolment import RenewRequest

_log = logging.getLogger(__name__)

CHECK_SECONDS = 30.0
SAY_SECONDS = 60.0


class Renewal:
    """`wall` is Unix time. Made with the certificate that `control_plane` shows. `lost`: why it can do nothing more; then
    `end` is called. `is_trusted`: whether what the gateway knows is."""

    def __init__(
        self,
        identity: GatewayIdentity,
        control_plane: HttpControlPlane,
        wall: Callable[[], float],
        is_trusted: Callable[[], bool] = lambda: True,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self.lost: NotEnrolled | None = None
        self._identity = identity
        self._control_plane = control_plane
        self._wall = wall
        self._is_trusted = is_trusted
        self._end = end
        self._enrolment = identity.enrolment()
        self._shown = identity.certificate()

    async def look(self) -> None:
        """Renews what is due; returns when it is time for the next look. Raises CallFailed, NotTrusted."""
        try:
            certificate = await self._valid_certificate()
            if renewal_due(certificate, self._now()):
                certificate = await self._renew()
        except NotEnrolled as error:
            _log.error("%s", error)
            if not self._is_trusted():
                self.lost = error
                self._end()
            await asyncio.sleep(SAY_SECONDS)
            return
        await asyncio.sleep(renewal_pause_seconds(certificate, CHECK_SECONDS))

    async def _valid_certificate(self) -> x509.Certificate:
        """Of the files as they are now: it may have been enrolled again while it ran. Raises NotEnrolled."""
        certificate = self._identity.valid_certificate(self._now())
        if certificate != self._shown:
            enrolment = self._identity.enrolment()
            if enrolment.pepper != self._enrolment.pepper:
                raise NotEnrolled("this gateway was enrolled where keys are hashed otherwise: start it again")
            self._enrolment = enrolment
            await self._show(certificate)
        return certificate

    async def _renew(self) -> x509.Certificate:
        request = RenewRequest(self._identity.csr(self._enrolment.gateway_name))
        answer = await self._control_plane.renew(request)
        ca_pem = self._identity.ca_file.read_text()
        await asyncio.to_thread(self._identity.keep_certificate, answer.certificate_pem, ca_pem)
        certificate = self._identity.certificate()
        _log.info("certificate renewed until %s", certificate.not_valid_after_utc.isoformat())
        await self._show(certificate)
        return certificate

    async def _show(self, certificate: x509.Certificate) -> None:
        url = self._enrolment.url
        trust = self._identity.trust(url)
        self._shown = certificate
        await self._control_plane.reconnect(url, trust)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)
