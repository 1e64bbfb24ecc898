"""SIMULATED: a node that speaks the real agent protocol over the real routes, and runs nothing.

It checks every task like the real agent does (signature, node, time, generation, arguments), answers with its own
signature, and can be told to fail, to lie or to be silent.
"""

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from aifactory.domains.provisioning.flows.sanitize_slot import REQUIRED_STEPS
from aifactory.domains.provisioning.ports import Seen
from aifactory_protocol import (
    BootstrapRequest,
    BootstrapResponse,
    Evidence,
    Inventory,
    Isolation,
    PollRequest,
    PollResponse,
    SandboxReport,
    Slot,
    Task,
    TaskRefused,
    TaskResult,
    VolumeDriver,
    sign_result,
    verify_task,
)

GB = 1_000_000_000
HOST = "127.0.0.1"


def an_inventory(slots: int = 2, sku: str = "local.cpu.1", ssh_host: str = HOST) -> Inventory:
    return Inventory(
        hostname="box",
        os="Debian 12",
        kernel="6.1",
        cpus=slots,
        memory_bytes=slots * GB,
        disk_bytes=100 * GB,
        gpus=[],
        slots=[Slot(index, sku, 1000, GB, 512) for index in range(slots)],
        isolation=Isolation("simulated", isolates=[], not_isolated=["everything: nothing runs here"]),
        volume_driver=VolumeDriver("simulated", False),
        ssh_host=ssh_host,
    )


def a_csr(key: ec.EllipticCurvePrivateKey, name: str = "node") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


class SimulatedNode:
    """One node behind an HTTP client of the agents' application. `broken` maps a verb to how it fails."""

    def __init__(self, http: httpx.AsyncClient, name: str = "box") -> None:
        self.http = http
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.node_id = ""
        self.boot_id = uuid.uuid4().hex
        self.clock_offset = timedelta()
        self.generations: dict[str, int] = {}
        self.sandboxes: dict[str, int] = {}
        self.started: dict[str, SandboxReport] = {}
        self.mounted: dict[str, set[str]] = {}
        self.networks: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, int] = {}
        self.results: dict[str, TaskResult] = {}
        self.acted: list[tuple[str, str]] = []
        self.broken: dict[str, str] = {}
        self.next_port = 30000

    def headers(self) -> dict[str, str]:
        return {"X-Test-Node": self.node_id} if self.node_id else {}

    async def enrol(self, token: str, inventory: Inventory | None = None) -> httpx.Response:
        body = BootstrapRequest(token, self.name, a_csr(self.key), inventory or an_inventory())
        answer = await self.http.post("/internal/v3/bootstrap", content=msgspec.json.encode(body))
        if answer.status_code == 200:
            made = msgspec.json.decode(answer.content, type=BootstrapResponse)
            self.node_id = made.node_id
            self.task_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(made.task_key))
        return answer

    async def report(self, inventory: Inventory) -> httpx.Response:
        return await self.http.post(
            "/internal/v3/inventory", content=msgspec.json.encode(inventory), headers=self.headers()
        )

    def reports(self) -> list[SandboxReport]:
        """Every sandbox that it started, with whether it runs."""
        return [
            SandboxReport(name, said.slot_index, said.generation, name in self.sandboxes)
            for name, said in self.started.items()
        ]

    async def poll(self, wait_seconds: int = 0, reports: list[SandboxReport] | None = None) -> list[Task]:
        """Takes what is offered, carries it out and answers. Returns the tasks that it believed."""
        body = PollRequest(self.boot_id, "0.1", self.reports() if reports is None else reports, wait_seconds)
        answer = await self.http.post(
            "/internal/v3/poll", content=msgspec.json.encode(body), headers=self.headers(), timeout=40
        )
        assert answer.status_code == 200, answer.text
        believed = []
        for signed in msgspec.json.decode(answer.content, type=PollResponse).tasks:
            now = datetime.now(UTC) + self.clock_offset
            try:
                task, _ = verify_task(
                    signed,
                    self.task_key,
                    node_id=self.node_id,
                    now=now,
                    last_generation=lambda subject: self.generations.get(subject, 0),
                )
            except TaskRefused as refusal:
                assert refusal.task is not None
                await self.post(TaskResult(refusal.task.id, refusal.task.generation, "refused", refusal.code))
                continue
            believed.append(task)
            self.generations[task.subject_id] = task.generation
            if self.broken.get(task.verb) != "silent":
                await self.post(self.carry_out(task, now))
        return believed

    def carry_out(self, task: Task, now: datetime) -> TaskResult:
        """Acts once for each task id; the same task again gets the same answer."""
        if task.id not in self.results:
            self.acted.append((task.verb, task.subject_id))
            self.results[task.id] = self._act(task, now)
        return self.results[task.id]

    def _act(self, task: Task, now: datetime) -> TaskResult:
        how = self.broken.get(task.verb)
        if how == "fail":
            return TaskResult(task.id, task.generation, "failed", "broken_on_purpose", "it was told to fail")
        output, evidence = getattr(self, "_" + task.verb.replace(".", "_"))(task, now)
        if output is None:
            return TaskResult(task.id, task.generation, "failed", "volume_busy", "a sandbox has it mounted")
        if how == "dirty" and evidence:
            evidence[1] = Evidence(evidence[1].step, False, "something is left", now)
        if how == "forgetful" and evidence:
            evidence = evidence[:-1]
        return TaskResult(task.id, task.generation, "done", output=output, evidence=evidence)

    def _volume_create(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        self.volumes[task.args["volume_id"]] = task.args["size_bytes"]
        return {}, []

    def _volume_delete(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        if any(task.subject_id in held for held in self.mounted.values()):
            return None, []
        self.volumes.pop(task.subject_id, None)
        return {}, []

    def _sandbox_start(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        self.next_port += 1
        self.sandboxes[task.subject_id] = self.next_port
        self.started[task.subject_id] = SandboxReport(task.subject_id, task.args["slot_index"], task.generation, True)
        self.mounted[task.subject_id] = {volume["volume_id"] for volume in task.args["volumes"]}
        assert self.mounted[task.subject_id] <= set(self.volumes), "a volume was to be mounted that is not here"
        ssh = {"host": HOST, "port": self.next_port, "user": "tenant", "host_key": host_key(self.next_port)}
        return {"ssh": ssh, "started_at": now.isoformat()}, []

    def _sandbox_stop(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        self.sandboxes.pop(task.subject_id, None)
        self.started.pop(task.subject_id, None)
        self.mounted.pop(task.subject_id, None)
        self.networks.pop(task.subject_id, None)
        return {"was_running": True}, []

    def _network_apply(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        assert task.args["allocation_id"] in self.sandboxes, "rules for a sandbox that does not run here"
        self.networks[task.args["allocation_id"]] = task.args
        return {"rules": [f"{rule['direction']} {rule['protocol']}" for rule in task.args["rules"]]}, []

    def _slot_sanitize(self, task: Task, now: datetime) -> tuple[dict[str, Any] | None, list[Evidence]]:
        self.sandboxes.pop(task.args["allocation_id"], None)
        self.started.pop(task.args["allocation_id"], None)
        self.mounted.pop(task.args["allocation_id"], None)
        return {}, [Evidence(step, True, "looked, nothing left", now) for step in REQUIRED_STEPS]

    async def post(self, result: TaskResult) -> httpx.Response:
        signed = sign_result(result, self.key)
        return await self.http.post(
            f"/internal/v3/tasks/{result.task_id}/result", content=msgspec.json.encode(signed), headers=self.headers()
        )


def host_key(port: int) -> str:
    return f"ssh-ed25519 SIMULATED{port}"


class SimulatedProbe:
    """Sees the doors of the sandboxes that simulated nodes say they run. `lies` makes it see another key."""

    def __init__(self) -> None:
        self.nodes: list[SimulatedNode] = []
        self.closed = False
        self.lies = False

    async def look(self, host: str, port: int) -> Seen:
        if self.lies:
            return Seen("ssh-ed25519 SOMEBODYELSE")
        if not self.closed and any(port in node.sandboxes.values() for node in self.nodes):
            return Seen(host_key(port) + " comment")
        return Seen(None, "connection refused")
