"""The kernel's own schedules: sealing the audit chain, making next months' partitions, forgetting what has expired."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aifactory.kernel.audit_chain import Sealer
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule
from aifactory.kernel.settings import Settings


def housekeeping(settings: Settings) -> list[Schedule]:
    key = load_pem_private_key((settings.secrets_dir / "audit_signing.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)

    async def seal(database: Database) -> None:
        await Sealer(database, key, settings.audit_heads_dir).seal_all()

    return [
        Schedule("kernel.seal_audit", 2, seal),
        Schedule("kernel.forget_expired", 600, forget_expired),
        Schedule("kernel.make_partitions", 86_400, make_partitions),
    ]


async def forget_expired(database: Database) -> None:
    """Saved answers live a day, events thirty."""
    async with database.tx("worker", Principal.service("housekeeping")) as tx:
        await tx.run("delete from kernel.idempotency where created_at < kernel.now() - interval '1 day'")
        await tx.run("delete from kernel.inbox where at < kernel.now() - interval '31 days'")


async def make_partitions(database: Database) -> None:
    async with database.tx("worker", Principal.service("housekeeping")) as tx:
        await tx.run("select kernel.make_partitions()")
