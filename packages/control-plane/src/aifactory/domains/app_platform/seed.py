"""The apps that come with the platform: signed with this installation's own publisher key and published once."""

from pathlib import Path

from aifactory.domains.app_platform.app_manifest import read_manifest
from aifactory.domains.app_platform.signing import sign
from aifactory.domains.app_platform.store import apps as store
from aifactory.domains.app_platform.store.apps import AppRow
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Tx

SHIPPED = Path(__file__).parent / "apps"


async def seed(tx: Tx) -> None:
    """Worker transaction, on the machine itself, where alone the private key can be read. Again it changes nothing."""
    key = platform_control.app_publisher_key()
    for file in sorted(SHIPPED.glob("*/manifest.json")):
        text = file.read_text()
        shipped = read_manifest(text)
        if await store.publish(tx, AppRow(shipped.name, shipped.version, text, sign(text, key))):
            await tx.audit("app.publish", f"{shipped.name} {shipped.version}", details={"publisher": shipped.publisher})
