"""A FAKE control plane for tests of the agent: a real TLS server that speaks the agent protocol and keeps no database."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aifactory_protocol import (
    BootstrapRequest,
    BootstrapResponse,
    Inventory,
    PollRequest,
    PollResponse,
    RenewRequest,
    RenewResponse,
    SignedTask,
    Task,
    TaskResult,
    TelemetryAnswer,
    TelemetryBatch,
    format_bootstrap_token,
    sign_task,
    verify_result,
)
from aifactory_sim.authority import Authority


class FakeControlPlane:
    """Offers each task until its result is acknowledged; remembers everything the agent said."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.task_key = Ed25519PrivateKey.generate()
        self.node_id = "node_test"
        self.certificate_seconds = 3_600.0
        self.lose_acknowledgements = 0
        self.offered: dict[str, SignedTask] = {}
        self.results: dict[str, list[TaskResult]] = {}
        self.inventories: list[Inventory] = []
        self.polls: list[PollRequest] = []
        self.batches: list[TelemetryBatch] = []
        self.peers: list[str] = []
        self.renewals = 0
        self.bootstraps = 0
        self.node_key: ec.EllipticCurvePublicKey | None = None
        self.changed = threading.Condition()
        self.server = _serve(self)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"

    def token(self, fingerprint: str | None = None) -> str:
        return format_bootstrap_token(b"a-test-token-of-24-bytes", fingerprint or self.authority.fingerprint)

    def task(self, verb: str, subject_id: str, generation: int = 1, lasts: float = 300, **args) -> Task:
        now = datetime.now(UTC)
        task_id = (
            f"task_{hashlib.sha256(f'{verb}{subject_id}{generation}{time.monotonic_ns()}'.encode()).hexdigest()[:20]}"
        )
        return Task(task_id, self.node_id, verb, subject_id, generation, args, now - timedelta(seconds=1),
                    now + timedelta(seconds=lasts))  # fmt: skip

    def offer(self, task: Task, signed: SignedTask | None = None) -> str:
        with self.changed:
            self.offered[task.id] = signed or sign_task(task, self.task_key)
            self.changed.notify_all()
        return task.id

    def ask(self, verb: str, subject_id: str, generation: int = 1, timeout: float = 30, **args) -> TaskResult:
        return self.result(self.offer(self.task(verb, subject_id, generation, **args)), timeout)

    def result(self, task_id: str, timeout: float = 30) -> TaskResult:
        with self.changed:
            assert self.changed.wait_for(lambda: task_id in self.results, timeout), f"no result of {task_id}"
            return self.results[task_id][-1]

    def wait_for(self, condition, timeout: float = 20) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout), "the agent did not get there"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # what the handler calls

    def bootstrap(self, body: bytes, peer: str | None) -> object:
        request = msgspec.json.decode(body, type=BootstrapRequest)
        csr = x509.load_pem_x509_csr(request.csr_pem.encode())
        assert csr.is_signature_valid
        self.bootstraps += 1
        self.node_key = csr.public_key()
        key = self.task_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        certificate = self.authority.issue(csr.public_key(), self.node_id, self.certificate_seconds, ago=1)
        return BootstrapResponse(self.node_id, certificate, self.authority.pem, base64.b64encode(key).decode(), 60)

    def renew(self, body: bytes, peer: str | None) -> object:
        csr = x509.load_pem_x509_csr(msgspec.json.decode(body, type=RenewRequest).csr_pem.encode())
        self.renewals += 1
        certificate = self.authority.issue(csr.public_key(), self.node_id, 3_600, ago=1)
        return RenewResponse(certificate, self.authority.pem, 2_400)

    def inventory(self, body: bytes, peer: str | None) -> object:
        self.inventories.append(msgspec.json.decode(body, type=Inventory))
        return {}

    def telemetry(self, body: bytes, peer: str | None) -> object:
        batch = msgspec.json.decode(body, type=TelemetryBatch)
        with self.changed:
            self.batches.append(batch)
            self.changed.notify_all()
        return TelemetryAnswer(1, 0)

    def poll(self, body: bytes, peer: str | None) -> object:
        request = msgspec.json.decode(body, type=PollRequest)
        with self.changed:
            self.polls.append(request)
            self.changed.notify_all()
            self.changed.wait_for(lambda: bool(self.offered), min(request.wait_seconds, 3))
            return PollResponse(list(self.offered.values()))

    def take_result(self, task_id: str, body: bytes) -> object:
        result = msgspec.json.decode(body, type=TaskResult)
        assert result.task_id == task_id
        assert self.node_key is not None
        verify_result(result, self.node_key)
        with self.changed:
            self.results.setdefault(task_id, []).append(result)
            if self.lose_acknowledgements > 0:
                self.lose_acknowledgements -= 1
                raise ConnectionError("the acknowledgement is lost on the way")
            self.offered.pop(task_id, None)
            self.changed.notify_all()
        return {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    plane: FakeControlPlane
    tls: ssl.SSLContext

    def handle_error(self, request, client_address) -> None:
        return


def _serve(plane: FakeControlPlane) -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.plane, server.tls = plane, plane.authority.server_tls()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(30)
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_) -> None:
        return

    def do_GET(self) -> None:
        self._answer(200, self.server.plane.authority.pem.encode())

    def do_POST(self) -> None:
        plane, body = self.server.plane, self.rfile.read(int(self.headers["Content-Length"]))
        certificate = self.request.getpeercert()
        peer = dict(pair[0] for pair in certificate["subject"])["commonName"] if certificate else None
        if self.path != "/internal/v3/bootstrap":
            with plane.changed:
                plane.peers.append(peer or "")
                plane.changed.notify_all()
            if peer != plane.node_id:
                return self._answer(403, b"{}")
        steps = {name: getattr(plane, name) for name in ("bootstrap", "renew", "inventory", "poll", "telemetry")}
        parts = self.path.split("/")
        if parts[3] == "tasks":
            answer = plane.take_result(parts[4], body)
        else:
            answer = steps[parts[3]](body, peer)
        return self._answer(200, msgspec.json.encode(answer))

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
