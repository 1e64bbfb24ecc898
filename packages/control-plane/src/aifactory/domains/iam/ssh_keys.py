"""SSH public keys of a tenant, which its allocations let in."""

from aifactory.domains.iam.authorization import holds_somewhere
from aifactory.domains.iam.permission_gate import require
from aifactory.domains.iam.ssh_public_key import SshPublicKey, read_public_key
from aifactory.domains.iam.store import credentials as store
from aifactory.domains.iam.views import SshKeyView
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, forbidden, not_found
from aifactory.kernel.pagination import Page

MAX_KEYS_AT_ONCE = 20
MOST = 200  # of a tenant: what one page shows
_NAMES_TRIED = 50
_RIVALS = 3  # for one name at one moment, before the key gets a name of its own


async def create(tx: Tx, name: str, public_key: str, labels: dict[str, str] | None = None) -> SshKeyView:
    """409 `ssh_key_exists` when the tenant has this key, or another one of this name."""
    key = read_public_key(public_key)
    if not await _insert(tx, name, key, labels or {}):
        raise await _exists(tx, name, key)
    made = await store.ssh_key_by_fingerprint(tx, key.fingerprint)
    if made is None:
        raise not_found("ssh key", name)
    return made


async def ensure(tx: Tx, name: str, public_key: str) -> SshKeyView:
    """The tenant's key with this fingerprint, made if it is not there yet; a taken name gets a number behind it.

    Whoever may add keys for the work in some project may bring one with a launch there. Else 403.
    """
    decision = holds_somewhere(tx.principal, "ssh_key.create")
    if not decision.allowed:
        raise forbidden("ssh_key.create", decision.because, decision.code)
    key = read_public_key(public_key)
    known = await store.ssh_key_by_fingerprint(tx, key.fingerprint)
    for _ in range(_RIVALS):
        if known is not None:
            return known
        # Without effect when another request brings this key, or takes this name, at this very moment: look again.
        await _insert(tx, await _free_name(tx, name, key), key, {})
        known = await store.ssh_key_by_fingerprint(tx, key.fingerprint)
    return known or await create(tx, _own_name(name, key), public_key)


async def _free_name(tx: Tx, name: str, key: SshPublicKey) -> str:
    names = [name, *(f"{name}-{number}" for number in range(2, _NAMES_TRIED))]
    taken = await store.ssh_key_names(tx, names)
    return next((candidate for candidate in names if candidate not in taken), _own_name(name, key))


def _own_name(name: str, key: SshPublicKey) -> str:
    """No other key has it, except by intent."""
    return f"{name}-{key.fingerprint[7:19]}"


async def material(tx: Tx, ids: list[str]) -> list[SshKeyView]:
    """The keys of these ids; 404 names the first that the tenant does not have."""
    wanted = list(dict.fromkeys(ids))[:MAX_KEYS_AT_ONCE]
    found = await store.ssh_keys_of(tx, wanted)
    for missing in sorted(set(wanted) - {key.id for key in found}):
        raise not_found("ssh key", missing)
    return found


async def show(tx: Tx, key_id: str) -> SshKeyView:
    key = await store.ssh_key(tx, key_id)
    if key is None:
        raise not_found("ssh key", key_id)
    return key


async def list_keys(tx: Tx, page: Page) -> list[SshKeyView]:
    """One more than the page holds, newest first."""
    return await store.ssh_keys(tx, page)


async def delete(tx: Tx, key_id: str) -> None:
    """Future allocations no longer take it; running ones keep what they were started with.

    Keys are the tenant's: whoever has a role in some projects only removes the ones they brought. Else 403.
    """
    key = await show(tx, key_id)
    if key.created_by != tx.principal.id:
        await require(tx, "ssh_key.delete")
    await store.delete_ssh_key(tx, key_id)
    await tx.audit("ssh_key.delete", key_id, details={"name": key.name, "fingerprint": key.fingerprint})


async def _insert(tx: Tx, name: str, key: SshPublicKey, labels: dict[str, str]) -> bool:
    if await store.count_ssh_keys(tx) >= MOST and await store.ssh_key_by_fingerprint(tx, key.fingerprint) is None:
        raise conflict("too_many_ssh_keys", f"A tenant has at most {MOST} SSH keys.", "Delete those nobody uses.")
    key_id = tx.ids.new("ssh")
    fresh = await store.insert_ssh_key(
        tx,
        id=key_id,
        name=name,
        public_key=key.line,
        kind=key.kind,
        fingerprint=key.fingerprint,
        created_by=tx.principal.id,
        labels=labels,
    )
    if fresh:
        await tx.audit("ssh_key.create", key_id, details={"name": name, "fingerprint": key.fingerprint})
    return fresh


async def _exists(tx: Tx, name: str, key: SshPublicKey) -> Problem:
    twin = await store.ssh_key_by_fingerprint(tx, key.fingerprint)
    if twin is not None:
        return conflict("ssh_key_exists", f"This key is here as {twin.name} ({twin.id}).", "Use that one.", id=twin.id)
    return conflict("ssh_key_exists", f"Another key is called {name}.", "Choose another name.")
