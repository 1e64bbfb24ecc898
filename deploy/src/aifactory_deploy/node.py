"""This machine as a node: enrolled once through the real bootstrap, then its agent, and whoever stops its sandboxes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable

from aifactory_deploy import administration, environment, http_probe
from aifactory_deploy.keeper import Keep, Keeper
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.logs import open_log
from aifactory_deploy.notify import NotifySocket
from aifactory_deploy.options import UpOptions
from aifactory_deploy.processes import Program

_AGENT = "aifactory_agent"
_NOT_ENROLLED = 3  # the agent's exit status


class Node:
    """`admin_env` is asked for when it is needed: only then is the broker's address known."""

    def __init__(
        self, options: UpOptions, layout: Layout, inherit: tuple[int, ...], admin_env: Callable[[], dict[str, str]]
    ) -> None:
        self._admin_env = admin_env
        self._keeper: Keeper | None = None
        self._options = options
        self._layout = layout
        self._inherit = inherit
        self._state = layout.agent
        self._env = environment.agent(options, layout.agent)
        self._word = NotifySocket(layout.root / "agent.notify")
        self._enrolled = layout.root / "node.enrolled"
        self._reaper: subprocess.Popen[bytes] | None = None

    @property
    def _agreed(self) -> str:
        """What enrolling fixed: where the control plane is, and where the node's doors are."""
        return " ".join(filter(None, (self._options.agent_url, self._env.get("AIF_SSH_HOST"))))

    async def start(self, keep: Keep) -> None:
        if not self._enrolled.exists() or self._enrolled.read_text() != self._agreed:
            await self._enrol()
        self._start_reaper()
        self._word.listen()
        self._keeper = await keep("agent", self._program)

    async def _enrol(self) -> None:
        """With a token of our own making, as any other machine would. Once, or when the port or its address moved."""
        name = environment.node_name()
        answer = await administration.read_step(
            self._layout,
            "aifactory.admin",
            "bootstrap-token",
            "--node-name",
            name,
            env=self._admin_env(),
            inherit=self._inherit,
        )
        token = self._layout.passwords / "bootstrap-token"
        write_whole(token, json.loads(answer.strip().splitlines()[-1])["token"])
        try:
            await administration.run_step(
                self._layout,
                _AGENT,
                *("enrol", "--force", "--url", self._options.agent_url, "--token-file", str(token)),
                env={**self._env, "AIF_NODE_NAME": name},
                inherit=self._inherit,
            )
        finally:
            token.unlink(missing_ok=True)
        write_whole(self._enrolled, self._agreed)

    async def _program(self) -> Program:
        if self._keeper and self._keeper.last_status == _NOT_ENROLLED:  # its certificate ran out while all was off
            await self._enrol()
        return Program(
            "agent",
            [sys.executable, "-m", _AGENT, "--state-dir", str(self._state), "run"],
            {**self._env, "NOTIFY_SOCKET": str(self._word.path)},
            umask=0o022,
            inherit=self._inherit,
        )

    def _start_reaper(self) -> None:
        log = open_log(self._layout.logs, "reaper")
        try:
            self._reaper = subprocess.Popen(
                [sys.executable, "-m", "aifactory_deploy.reaper", sys.executable, "-m", _AGENT, "stop-all"],
                env=self._env,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self._inherit,
            )
        finally:
            os.close(log)

    async def stop_sandboxes(self) -> None:
        """The agent must have ended."""
        if self._enrolled.exists():
            await administration.run_step(self._layout, _AGENT, "stop-all", env=self._env, inherit=self._inherit)

    def dismiss_reaper(self) -> None:
        if self._reaper:
            self._reaper.communicate(b"done")
            self._reaper = None

    async def ready(self) -> None:
        """The agent's word that the control plane knows its inventory, in systemd's notify protocol; then a visitor's view."""
        await self._word.heard.wait()
        while not await self._in_the_catalog():
            await asyncio.sleep(0.02)

    async def _in_the_catalog(self) -> bool:
        status, body = await http_probe.get(self._options.port, "/api/v3/catalog")
        items = json.loads(body).get("items", []) if status == 200 else []
        return any(item.get("region_id") == "local" and item.get("capacity") for item in items)
