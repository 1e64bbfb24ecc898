"""Starts the platform in order, keeps it running, and stops it in the opposite order.

postgres, nats, secrets        beside each other
migrate, seed                  when something changed since the last time
api, worker, app-proxy         beside each other
agent, gateway                 after they were enrolled, once
objects, models                once everything else is ready; nothing waits for them, and their end ends nothing
sim                            with --demo: the simulated nodes, beside the agent
"""

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aifactory_deploy import http_probe, instance
from aifactory_deploy.accounts import Account, service_accounts
from aifactory_deploy.control_plane import ControlPlane
from aifactory_deploy.gateway import NAME as GATEWAY
from aifactory_deploy.gateway import Gateway
from aifactory_deploy.keeper import Keeper
from aifactory_deploy.layout import Layout, check_version, record_version
from aifactory_deploy.logs import cut_long_logs
from aifactory_deploy.model_server import NAME as MODELS
from aifactory_deploy.model_server import PORT_OFFSET as MODELS_PORT_OFFSET
from aifactory_deploy.model_server import ModelServer
from aifactory_deploy.mounts import make_reachable
from aifactory_deploy.node import Node
from aifactory_deploy.options import UpOptions
from aifactory_deploy.ports import check_ports
from aifactory_deploy.postgres import major_version
from aifactory_deploy.preflight import check_disk, disk_full
from aifactory_deploy.refusal import Exit, Refusal
from aifactory_deploy.simulator import Simulator

READY_SECONDS = 120.0
LOG_CHECK_SECONDS = 5.0


def run(options: UpOptions) -> int:
    """Returns 0 after an orderly stop that somebody asked for; raises Refusal when it cannot start or go on."""
    layout = Layout(options.data_dir)
    try:
        return _run(options, layout)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full(layout.root) from error


def _run(options: UpOptions, layout: Layout) -> int:
    layout.open_root()
    lock = instance.take(layout)
    check_ports(
        {
            "--port": options.port,
            "--gateway-port": options.gateway_port,
            "--agent-port": options.agent_port,
            "--app-port": options.apps_port,
        }
    )
    check_disk(layout.root, first=not layout.version.exists())
    accounts = service_accounts()
    layout.prepare(accounts)
    if os.geteuid() == 0:
        make_reachable(layout.root)
    os.chdir("/")
    return asyncio.run(Supervisor(options, layout, _parts(options, layout, accounts, lock)).run())


@dataclass(frozen=True)
class Parts:
    """What is started here."""

    control_plane: ControlPlane
    node: Node
    gateway: Gateway
    simulator: Simulator
    models: ModelServer


def _parts(options: UpOptions, layout: Layout, accounts: dict[str, Account | None], lock: int) -> Parts:
    control_plane, inherit = ControlPlane(options, layout, accounts, lock), (lock,)
    admin_env = control_plane.admin_env
    return Parts(
        control_plane,
        Node(options, layout, inherit, admin_env),
        Gateway(options, layout, accounts[GATEWAY], inherit, admin_env),
        Simulator(options, layout, accounts["sim"], inherit, admin_env),
        ModelServer(layout, accounts[MODELS], inherit, options.port + MODELS_PORT_OFFSET, admin_env),
    )


class Supervisor:
    def __init__(self, options: UpOptions, layout: Layout, parts: Parts) -> None:
        self._options = options
        self._layout = layout
        self._parts = parts
        self._control_plane = parts.control_plane
        self._node = parts.node
        self._keepers: list[Keeper] = []
        self._optional: set[str] = set()
        self._ready = False
        self._started_at = time.time()
        self._stop = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` wants it
                loop.add_signal_handler(number, self._stop.set)
        self._write_instance()
        cutting = asyncio.create_task(self._cut_logs())
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._unless_stopped(self._start())
            if not self._stop.is_set():
                self._say_ready()
                await self._control_plane.start_object_store(self._keep_optional)
                await self._parts.models.start(self._keep_optional)
                await self._unless_stopped(self._stop.wait())
        except TimeoutError:
            raise Refusal(
                Exit.START_FAILED, f"Not ready within {READY_SECONDS:.0f} s.", f"Logs: {self._layout.logs}"
            ) from None
        finally:
            cutting.cancel()
            await self._stop_all()
        return 0

    async def _start(self) -> None:
        check_version(self._layout, major_version(), self._control_plane.stamp.migrations)
        await self._control_plane.prepare(self._keep)
        record_version(self._layout, major_version(), self._control_plane.stamp.migrations)
        await self._parts.simulator.prepare(self._control_plane.stamp.digest)
        await self._control_plane.start_services(self._keep)
        while not await self._api_ready():
            await asyncio.sleep(0.02)
        others = (self._node, self._parts.gateway, self._parts.simulator)
        await asyncio.gather(*(other.start(self._keep) for other in others))
        await asyncio.gather(*(other.ready() for other in others))

    async def _keep(self, name: str, program: Callable) -> Keeper:
        keeper = Keeper(name, program, self._layout.logs, self._write_instance)
        self._keepers.append(keeper)
        await keeper.start()
        return keeper

    async def _keep_optional(self, name: str, program: Callable) -> Keeper:
        """When this one gives up the others go on, and the log says what happened."""
        self._optional.add(name)
        keeper = await self._keep(name, program)
        keeper.failed.add_done_callback(lambda ended: print(ended.result().words(), file=sys.stderr, flush=True))
        return keeper

    async def _api_ready(self) -> bool:
        return (await http_probe.get(self._options.port, "/readyz"))[0] == 200

    async def _unless_stopped(self, work: Awaitable) -> None:
        """Runs `work` until it is done, somebody asks us to stop, or a keeper gives up (then its Refusal is raised)."""
        task = asyncio.ensure_future(work)
        stop = asyncio.create_task(self._stop.wait())
        try:
            while not task.done() and not stop.done():
                failures = [keeper.failed for keeper in self._keepers if keeper.name not in self._optional]
                await asyncio.wait([task, stop, *failures], timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                for failure in failures:
                    if failure.done():
                        raise failure.result()
            if task.done():
                task.result()
        finally:
            stop.cancel()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stop_all(self) -> None:
        """Agent and gateway first, which still have something to tell; then the sandboxes and whoever uses the database;
        then the database."""
        await self._stop_keepers("agent", "sim", GATEWAY)
        await asyncio.gather(self._stop_sandboxes(), self._stop_keepers("api", "worker", "app-proxy", *self._optional))
        await self._stop_keepers("nats", "postgres")
        self._layout.instance.unlink(missing_ok=True)

    async def _stop_keepers(self, *names: str) -> None:
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers if keeper.name in names))

    async def _stop_sandboxes(self) -> None:
        """When it fails the reaper is not dismissed: our end sends it to work."""
        try:
            await self._node.stop_sandboxes()
        except Refusal as refusal:
            print(refusal.words(), file=sys.stderr, flush=True)
        else:
            self._node.dismiss_reaper()

    def _say_ready(self) -> None:
        self._ready = True
        self._write_instance()
        where = f"portal {self._options.portal_url}  gateway {self._options.gateway_url}"
        print(f"ready in {_seconds_since_start():.1f} s  {where}", flush=True)

    def _write_instance(self) -> None:
        processes = [
            {"name": k.name, "pid": k.pid, "started_at": k.started_at, "restarts": k.restarts} for k in self._keepers
        ]
        instance.write(
            self._layout,
            {
                "started_at": self._started_at,
                "ready": self._ready,
                "portal_url": self._options.portal_url,
                "gateway_url": self._options.gateway_url,
                "processes": processes,
            },
        )

    async def _cut_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            cut_long_logs(self._layout.logs)


def _seconds_since_start() -> float:
    """Since the person pressed return: the interpreter's own start is waited for too."""
    began = os.environ.get("AIF_STARTED_AT")
    ticks = instance.pid_started(os.getpid()) or 0
    start = float(began) if began else ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start
