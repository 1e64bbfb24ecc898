"""The token gateway of this machine: enrolled once, like any other gateway, then kept running under a user of its own."""

import asyncio
import json
import sys
from collections.abc import Callable

from aifactory_deploy import administration, environment, http_probe
from aifactory_deploy.accounts import Account
from aifactory_deploy.keeper import Keep, Keeper
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.options import UpOptions
from aifactory_deploy.processes import Program

NAME = "gateway"
_GATEWAY = "aifactory_gateway"
_NOT_ENROLLED = 3  # the gateway's exit status: its certificate ran out, and with it all that it may go by


class Gateway:
    """`admin_env` is asked for when it is needed: only then is the broker's address known."""

    def __init__(
        self,
        options: UpOptions,
        layout: Layout,
        account: Account | None,
        inherit: tuple[int, ...],
        admin_env: Callable[[], dict[str, str]],
    ) -> None:
        self._options = options
        self._layout = layout
        self._account = account
        self._inherit = inherit
        self._admin_env = admin_env
        self._folder = layout.service(NAME)
        self._enrolled = layout.root / "gateway.enrolled"
        self._keeper: Keeper | None = None

    async def start(self, keep: Keep) -> None:
        if not self._enrolled.exists() or self._enrolled.read_text() != self._options.agent_url:
            await self._enrol()
        self._keeper = await keep(NAME, self._program)

    async def ready(self) -> None:
        """It has learned what it must know."""
        while (await http_probe.get(self._options.gateway_port, "/readyz"))[0] != 200:
            await asyncio.sleep(0.02)

    async def _enrol(self) -> None:
        """With a token of our own making. Once, or when the port of the control plane moved."""
        name = environment.node_name()
        answer = await administration.read_step(
            self._layout,
            "aifactory.admin",
            *("gateway-token", "--name", name),
            env=self._admin_env(),
            inherit=self._inherit,
        )
        token = json.loads(answer.strip().splitlines()[-1])["token"]
        await administration.run_step(
            self._layout,
            _GATEWAY,
            *("enrol", "--force", "--state-dir", str(self._folder), "--url", self._options.agent_url, "--name", name),
            env={**self._env(), "AIF_BOOTSTRAP_TOKEN": token},
            inherit=self._inherit,
            account=self._account,
        )
        write_whole(self._enrolled, self._options.agent_url)

    async def _program(self) -> Program:
        if self._keeper and self._keeper.last_status == _NOT_ENROLLED:
            await self._enrol()
        argv = [sys.executable, "-m", _GATEWAY, "run", f"--state-dir={self._folder}"]
        argv += ["--host=127.0.0.1", f"--port={self._options.gateway_port}"]
        return Program(NAME, argv, self._env(), self._account, cwd=self._folder, inherit=self._inherit)

    def _env(self) -> dict[str, str]:
        return {**environment.base(), "HOME": str(self._folder)}
