"""A double of the control plane: the gateways' protocol over HTTP on loopback, or over TLS with its own authority."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from os import urandom

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from aifactory_protocol.enrolment import RenewRequest, RenewResponse, format_bootstrap_token
from aifactory_protocol.gateway import (
    GatewayBootstrapRequest,
    GatewayBootstrapResponse,
    Lease,
    LeaseRequest,
    LeaseReturn,
    Snapshot,
    SnapshotAnswer,
    SnapshotRequest,
    UsageAnswer,
    UsageBatch,
    UsageRecord,
)
from aifactory_sim.authority import Authority

PEPPER = b"a pepper of thirty-two bytes ..."


@dataclass
class ControlPlaneDouble:
    """Speaks the gateways' protocol over HTTP on loopback and keeps accounts as the real one must: a lease takes from
    the account, a record is booked once by its id. `is_away`: nobody answers; `loses_replies`: what was asked is done,
    and the answer never arrives; `may_lease`, `may_renew`: cleared, it is done and its answer waits.

    With an `authority` it enrols gateways, each token once: `certified` is the key in the place of theirs, `shown_ca`
    the CA in the place of its own; `serials` are those of the certificates that were shown, call by call."""

    snapshot: Snapshot | None = None
    nanos: int = 10**15
    lease_nanos: int = 10**9
    lease_seconds: float = 3600
    recheck_seconds: int = 900
    is_away: bool = False
    loses_replies: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    booked: dict[str, UsageRecord] = field(default_factory=dict)
    told: int = 0
    port: int = 0
    most_wait_seconds: float = 25
    may_lease: asyncio.Event = field(default_factory=asyncio.Event)
    may_renew: asyncio.Event = field(default_factory=asyncio.Event)
    authority: Authority | None = None
    tokens: set[str] = field(default_factory=set)
    bootstraps: list[GatewayBootstrapRequest] = field(default_factory=list)
    certificate_seconds: float = 3600
    certified: CertificatePublicKeyTypes | None = None
    shown_ca: str = ""
    pepper: str = base64.urlsafe_b64encode(PEPPER).rstrip(b"=").decode()
    renewals: int = 0
    serials: list[str] = field(default_factory=list)

    async def serve(self) -> asyncio.Server:
        self.may_lease.set()
        self.may_renew.set()
        tls = self.authority.server_tls() if self.authority else None
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self.port}"

    def token(self, fingerprint: str = "") -> str:
        """Good for one bootstrap."""
        assert self.authority is not None
        made = format_bootstrap_token(urandom(24), fingerprint or self.authority.fingerprint)
        self.tokens.add(made)
        return made

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, has_body, after = head.partition("content-length: ")
                body = await reader.readexactly(int(after.split("\r\n")[0])) if has_body else b""
                if self.is_away:
                    return
                what = head.split()[1].removeprefix("/internal/v3/").removeprefix("gateway/")
                status, answer = await self._answered(what, body, writer.get_extra_info("peercert"))
                if self.is_away or (self.loses_replies and what != "snapshot"):
                    return
                content = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(content), content))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answered(self, what: str, body: bytes, certificate: dict | None) -> tuple[int, object]:
        """Over TLS only to those who showed a certificate, but for what strangers may."""
        if self.authority is None:
            return await self._answer(what, body)
        if what == "ca":
            return 200, self.authority.pem.encode()
        if what == "bootstrap":
            return self._bootstrap(msgspec.json.decode(body, type=GatewayBootstrapRequest), self.authority)
        if not certificate:
            return 403, {"code": "certificate_required"}
        self.serials.append(certificate["serialNumber"])
        if what == "renew":
            self.renewals += 1
            await self.may_renew.wait()
            pem = self._certificate(msgspec.json.decode(body, type=RenewRequest).csr_pem, self.authority)
            return 200, RenewResponse(pem, self.authority.pem, 2_400)
        return await self._answer(what, body)

    def _bootstrap(self, request: GatewayBootstrapRequest, authority: Authority) -> tuple[int, object]:
        self.bootstraps.append(request)
        if request.token not in self.tokens:
            return 401, {"code": "bad_token"}
        self.tokens.discard(request.token)
        pem = self._certificate(request.csr_pem, authority)
        ca_pem = self.shown_ca or authority.pem
        return 200, GatewayBootstrapResponse("gw_test", pem, ca_pem, self.pepper, 2_400)

    def _certificate(self, csr_pem: str, authority: Authority) -> str:
        key = self.certified or x509.load_pem_x509_csr(csr_pem.encode()).public_key()
        return authority.issue(key, "gw_test", self.certificate_seconds)

    async def _answer(self, what: str, body: bytes) -> tuple[int, object]:
        if what == "snapshot":
            return 200, await self._snapshot(msgspec.json.decode(body, type=SnapshotRequest))
        if what == "leases":
            answer = self._lease(msgspec.json.decode(body, type=LeaseRequest))
            await self.may_lease.wait()
            return answer
        if what == "leases/return":
            self.returned += msgspec.json.decode(body, type=LeaseReturn).ids
            return 200, {}
        for record in msgspec.json.decode(body, type=UsageBatch).records:
            self.told += 1
            self.booked.setdefault(record.id, record)
        return 200, UsageAnswer()

    async def _snapshot(self, request: SnapshotRequest) -> SnapshotAnswer:
        for _ in range(int(min(request.wait_seconds, self.most_wait_seconds) * 50)):
            if self.is_away or (self.snapshot and self.snapshot.version > request.known_version):
                break
            await asyncio.sleep(0.02)
        newer = self.snapshot if self.snapshot and self.snapshot.version > request.known_version else None
        return SnapshotAnswer(newer, self.recheck_seconds)

    def _lease(self, request: LeaseRequest) -> tuple[int, object]:
        if request.id not in self.leases:
            amount = min(self.nanos, max(self.lease_nanos, request.least))
            if amount < request.least:
                return 402, {}
            self.nanos -= amount
            ends = datetime.now(UTC) + timedelta(seconds=self.lease_seconds)
            self.leases[request.id] = Lease(request.id, request.account_id, request.currency, amount, ends)
        return 200, self.leases[request.id]
