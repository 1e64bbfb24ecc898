"""The simulated region: opened and closed with `--demo`, and the one process that is all its nodes."""

import json
import os
import sys
from collections.abc import Callable

from aifactory_deploy import administration, environment
from aifactory_deploy.accounts import Account
from aifactory_deploy.keeper import Keep
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.notify import NotifySocket
from aifactory_deploy.options import UpOptions
from aifactory_deploy.processes import Program

_SIM = "aifactory_sim"
_REGION = "demo"


class Simulator:
    """Without `--demo` it does nothing but close the region that an earlier start has opened."""

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
        self._folder = layout.service("sim")
        self._opened = layout.root / "demo.opened"
        self._tokens = layout.root / "sim.tokens"  # beside its folder: root writes nowhere where another user may
        self._word = NotifySocket(layout.root / "sim.notify", account)

    async def prepare(self, release: str) -> None:
        """The region and what it sells, when they are not there or come from another release; or their end."""
        if self._options.demo:
            if not self._opened.exists() or self._opened.read_text() != release:
                await self._step("demo", "open")
                write_whole(self._opened, release)
        elif self._opened.exists():
            await self._step("demo", "close")
            self._opened.unlink()

    async def start(self, keep: Keep) -> None:
        if self._options.demo:
            self._word.listen()
            await keep("sim", self._program)

    async def ready(self) -> None:
        """Every simulated node has joined and reported its inventory."""
        if self._options.demo:
            await self._word.heard.wait()
            self._tokens.unlink(missing_ok=True)

    async def _program(self) -> Program:
        await self._make_tokens()
        argv = [sys.executable, "-m", _SIM, *self._place(), "run", f"--tokens-file={self._tokens}"]
        env = {**self._env(), "NOTIFY_SOCKET": str(self._word.path)}
        return Program("sim", argv, env, self._account, cwd=self._folder, inherit=self._inherit)

    async def _make_tokens(self) -> None:
        """One each for the nodes that have no certificate, or whose certificate ran out while all was off."""
        said = await administration.read_step(
            self._layout, _SIM, *self._place(), "wanting", env=self._env(), inherit=self._inherit
        )
        names = json.loads(said.strip().splitlines()[-1])
        self._tokens.unlink(missing_ok=True)
        if not names:
            return
        wanted = [f"--node-name={name}" for name in names]
        answer = await administration.read_step(
            self._layout,
            "aifactory.admin",
            *("bootstrap-token", f"--region={_REGION}", *wanted),
            env=self._admin_env(),
            inherit=self._inherit,
        )
        write_whole(self._tokens, json.dumps(json.loads(answer.strip().splitlines()[-1])["tokens"]))
        if self._account:
            os.chown(self._tokens, self._account.uid, self._account.gid)

    def _place(self) -> tuple[str, str]:
        return f"--state-dir={self._folder}", f"--url={self._options.agent_url}"

    def _env(self) -> dict[str, str]:
        return environment.simulator(self._folder)

    async def _step(self, *arguments: str) -> None:
        await administration.run_step(
            self._layout, "aifactory.admin", *arguments, env=self._admin_env(), inherit=self._inherit
        )
