"""How a machine becomes a node: a token of an operator, a certificate over the machine's own key, an inventory."""

import base64
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import doors
from aifactory.domains.provisioning.flows.sanitize_slot import SanitizeSlot
from aifactory.domains.provisioning.slot import Slot
from aifactory.domains.provisioning.store import nodes as store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.events.provisioning import NodeEnrolled, NodeReturned
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, invalid, not_found
from aifactory_protocol import (
    BootstrapRequest,
    BootstrapResponse,
    Inventory,
    RenewResponse,
)
from aifactory_protocol import Slot as SlotClaim

TOKEN_LIFE_SECONDS = 900


@dataclass(frozen=True)
class NewBootstrapToken:
    """The one time that the token is seen."""

    id: str
    token: str
    node_name: str
    region_id: str
    expires_at: datetime


async def create_bootstrap_token(
    tx: Tx, node_name: str, region_id: str = "local", life_seconds: int = TOKEN_LIFE_SECONDS
) -> NewBootstrapToken:
    """A token with which the machine of that name, and only that, may enrol once. Operator role. It is shown only here."""
    await platform_control.region(tx, region_id)
    text, token_hash = platform_control.new_bootstrap_token()
    token_id = tx.ids.new("boot")
    expires_at = await store.insert_token(
        tx,
        id=token_id,
        token_hash=token_hash,
        node_name=node_name,
        region_id=region_id,
        life_seconds=life_seconds,
    )
    await tx.audit("bootstrap_token.create", token_id, details={"node_name": node_name, "region_id": region_id})
    return NewBootstrapToken(token_id, text, node_name, region_id, expires_at)


async def bootstrap(tx: Tx, request: BootstrapRequest) -> BootstrapResponse:
    """Trades the token for a certificate. One answer for every bad token, so that guessing learns nothing.

    Worker role. Of many that bring the same token at once, exactly one gets a certificate. What was issued to the node
    before ends: whoever took the old machine's key is out.
    """
    token = await _usable_token(tx, request)
    check_inventory(request.inventory)
    region = await platform_control.region(tx, token.region_id)
    _check_kind(request.inventory, region.simulated)
    inventory = msgspec.to_builtins(request.inventory)
    node_id = await store.id_by_name(tx, token.region_id, token.node_name) or tx.ids.new("node")
    await platform_control.revoke_node(tx, node_id, "the node enrols anew")
    certificate = await platform_control.sign_agent_csr(tx, request.csr_pem, node_id)
    await store.enrol(
        tx,
        id=node_id,
        region_id=token.region_id,
        name=token.node_name,
        simulated=region.simulated,
        inventory=inventory,
        ssh_host=request.inventory.ssh_host,
        certificate_pem=certificate.certificate_pem,
    )
    if not await store.use_token(tx, token.id, node_id):
        raise _refused()
    await come_back(tx, node_id)
    await _reconcile_slots(tx, node_id, token.region_id, request.inventory)
    await tx.audit("node.enrol", node_id, details={"name": token.node_name, "token": token.id})
    slots = len(request.inventory.slots)
    await tx.emit(NodeEnrolled(node_id, token.node_name, token.region_id, slots), node_id, 1)
    key = platform_control.task_public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return BootstrapResponse(
        node_id,
        certificate.certificate_pem,
        certificate.ca_pem,
        base64.b64encode(key).decode(),
        certificate.renew_after_seconds,
    )


async def renew(tx: Tx, node_id: str, csr_pem: str) -> RenewResponse:
    """The next certificate of a node that has proved itself with the present one."""
    if await store.one(tx, node_id) is None:
        raise not_found("node", node_id)
    certificate = await platform_control.sign_agent_csr(tx, csr_pem, node_id)
    await store.renew(tx, node_id, certificate.certificate_pem)
    return RenewResponse(certificate.certificate_pem, certificate.ca_pem, certificate.renew_after_seconds)


async def take_inventory(tx: Tx, node_id: str, inventory: Inventory) -> None:
    """The machine as it is now. A slot in use keeps its shape until it is free; new ones are cleaned before use."""
    check_inventory(inventory)
    node = await store.one(tx, node_id)
    if node is None:
        raise not_found("node", node_id)
    doors.check_unmoved(inventory.ssh_host, node.ssh_host)
    place = await store.take_inventory(tx, node_id, msgspec.to_builtins(inventory))
    if place is None:
        raise not_found("node", node_id)
    _check_kind(inventory, place.simulated)
    await _reconcile_slots(tx, node_id, place.region_id, inventory)


async def come_back(tx: Tx, node_id: str) -> None:
    """An unreachable node speaks again: its slots go on where they waited."""
    node = await store.come_back(tx, node_id)
    if node is None:
        return
    await tx.emit(NodeReturned(node.id, node.name, node.region_id), node.id, node.generation)
    for slot_id in await slot_store.ids_of_node(tx, node_id):
        await flows.wake(tx, SanitizeSlot.kind, slot_id)


def check_inventory(inventory: Inventory) -> None:
    """What the schema cannot say: each slot once."""
    indexes = [slot.index for slot in inventory.slots]
    if len(set(indexes)) != len(indexes):
        raise invalid("inventory.slots", "Two slots have the same index.", "Name each once.", code="duplicate_slot")


def _check_kind(inventory: Inventory, simulated_region: bool) -> None:
    """A simulated machine must never be sold as a real one, nor a real one lie idle among simulated ones."""
    if inventory.simulated == simulated_region:
        return
    machine, region = ("simulated", "real") if inventory.simulated else ("real", "simulated")
    raise invalid(
        "inventory.simulated",
        f"A {machine} machine cannot join a {region} region.",
        "Make the token for a region of the machine's own kind.",
        code="simulated_mismatch",
    )


async def _usable_token(tx: Tx, request: BootstrapRequest) -> store.TokenRow:
    token = await store.token(tx, platform_control.bootstrap_token_hash(request.token))
    if token is None or token.used or token.expired or token.node_name != request.node_name:
        raise _refused()
    return token


def _refused() -> Problem:
    return platform_control.bootstrap_token_refused(
        "It was used, has expired, is for another node name, or was never ours.",
        "Ask an operator for a new token for this node name.",
    )


async def _reconcile_slots(tx: Tx, node_id: str, region_id: str, inventory: Inventory) -> None:
    known = {slot.index: slot for slot in await slot_store.lock_of_node(tx, node_id)}
    for claim in inventory.slots:
        slot = known.pop(claim.index, None)
        if slot is None:
            await _add_slot(tx, node_id, region_id, claim)
        elif _differs(slot, claim):
            await slot_store.reshape(tx, slot.id, **_shape(claim))
    for gone in known.values():
        await slot_store.withdraw(tx, gone.id)


async def _add_slot(tx: Tx, node_id: str, region_id: str, claim: SlotClaim) -> None:
    slot_id = tx.ids.new("slot")
    await slot_store.insert(tx, id=slot_id, node_id=node_id, region_id=region_id, index=claim.index, **_shape(claim))
    await flows.start(tx, SanitizeSlot, slot_id, None, why="new in the node's inventory")


def _shape(claim: SlotClaim) -> dict[str, str | int]:
    return {
        "sku": claim.sku,
        "vcpus_millis": claim.vcpus_millis,
        "memory_bytes": claim.memory_bytes,
        "pids": claim.pids,
    }


def _differs(slot: Slot, claim: SlotClaim) -> bool:
    return slot.withdrawn or any(getattr(slot, name) != value for name, value in _shape(claim).items())
