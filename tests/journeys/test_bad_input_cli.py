"""Bad input, on a real house: each gets a code or field of its own and an exit code, and leaves no trace but the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from house import House, until

SKU = "local.cpu.1"
NOBODY = "0" * 26
TABLES = (
    "provisioning.allocations", "storage_network.volumes", "iam.ssh_keys", "iam.projects", "iam.api_keys", "billing.holds",
    "billing.prices", "billing.ledger_lines", "iam.quota_reservations", "provisioning.bootstrap_tokens",
    "(select from kernel.flows where kind <> 'provisioning.node') flows",  # nodes are watched from some moment on
    # What people did. Events are no measure: the house itself tells of slots, holds and heartbeats meanwhile.
    "(select from kernel.audit where decision = 'allowed' and actor_kind in ('user', 'api_key')) done",
)  # fmt: skip


def create(*words: str) -> tuple[str, ...]:
    return ("allocations", "create", "--sku", SKU, *words)


# what → (words, exit code, what must be said)
CASES: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "a sku nobody sells": (("allocations", "create", "--sku", "moon.gpu.8"), 2, ("unknown_sku", "sku")),
    "a region that is none": (create("--region", "atlantis"), 2, ("unknown_region", "region_id")),
    "a project that is none": (create("--project", "nowhere"), 5, ("not_found", "project")),
    "an image that is none": (create("--image", "windows-95"), 2, ("unknown_image", "image")),
    "a mode of a later release": (create("--mode", "reserved"), 6, ("not_available_yet",)),
    "more than one at a time": (create("--count", "2"), 6, ("count_not_available", "count")),
    "a mount over the system": (create("--volume", "data:1:/etc"), 2, ("invalid_mount_path", "volumes.0.mount_path")),
    "one mount inside another": (create("--volume", "a:1:/data/x", "--volume", "b:1:/data/x/y"), 2, ("volumes.1.mount_path",)),
    "the same volume twice": (create("--volume", "a:1", "--volume", "a:1"), 2, ("duplicate_volume", "volumes.1")),
    "a volume larger than any": (create("--volume", "a:99999"), 2, ("volumes.0.size_gb",)),
    "a volume that is none": (create("--volume", f"vol_{NOBODY}"), 5, ("not_found",)),
    "a name that is none": (create("--name", "-rf"), 2, ("name",)),
    "a quote nobody made": (create("--quote", f"quote_{NOBODY}"), 2, ("quote_id",)),
    "a key nobody registered": (create("--ssh-key", "nobody"), 5, ("not_found", "ssh-key")),
    "a key too short for replay": (create("--idempotency-key", "x"), 2, ("idempotency_key_required",)),
    "a public key that is none": (("ssh-keys", "create", "bad", "--public-key", "ssh-ed25519 AAAA bad"), 2, ("public_key",)),
    "a volume name in capitals": (("volumes", "create", "DATA", "--size", "1"), 2, ("name",)),
    "a volume of petabytes": (("volumes", "create", "huge", "--size", "999999"), 2, ("size_gb",)),
    "a scope that is none": (("keys", "create", "bad", "--scope", "world.rule"), 2, ("scope",)),
    "a key that expired already": (("keys", "create", "bad", "--expires", "2020-01-01T00:00:00Z"), 2, ("expires_at",)),
    "an allocation nobody has": (("allocations", "release", f"alloc_{NOBODY}"), 5, ("not_found",)),
    "ssh to nobody's": (("ssh", f"alloc_{NOBODY}", "--", "true"), 5, ("not_found",)),
    "a quote for no sku": (("quote", "moon.gpu.8"), 5, ("not_found", "moon.gpu.8")),
    "usage that ends before it begins": (
        ("usage", "--since", "2026-02-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"), 2, ("until",),
    ),
    "a month that never was": (("statement", "--month", "1999-12"), 2, ("month",)),
    "an operator's command": (("admin", "nodes"), 4, ("forbidden",)),
    "another tenant by header": (("wallet", "--profile", "stranger"), 3, ("not_signed_in",)),
}  # fmt: skip
OPERATOR_CASES: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "a price in the past": (("admin", "prices", "set", SKU, "1", "--at", "2020-01-01T00:00:00Z"), 2, ("price_in_the_past",)),
    "a price in another currency": (("admin", "prices", "set", SKU, "1", "--currency", "USD"), 2, ("currency",)),
    "a price of ten places": (("admin", "prices", "set", SKU, "0.0123456789"), 2, ("invalid_amount", "amount")),
    "a price for no sku": (("admin", "prices", "set", "moon.gpu.8", "1"), 5, ("not_found",)),
    "a node name with a space": (("admin", "bootstrap-token", "my node"), 2, ("node_name",)),
    "a dead letter that is none": (("admin", "events", "replay", f"dlq_{NOBODY}"), 5, ("not_found",)),
    "a certificate that is none": (("admin", "certificates", "revoke", f"cert_{NOBODY}", "--reason", "test"), 5, ("not_found",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def house(running_house: House) -> Iterator[House]:
    """Signed in, with one registered key, so that only what is bad is bad."""
    for email in ("demo@example.com", "other@example.com", "admin@example.com"):
        running_house.login(email)
    if not running_house.cli("ssh-keys", "list", "-o", "json").json["items"]:
        running_house.cli("ssh-keys", "create", "laptop", "--file", str(running_house.ssh_key()), check=True)
    until(
        lambda: is_at_rest(running_house),
        120,
        "slots are not all clean: what follows by itself would look like an effect",
    )
    yield running_house


def is_at_rest(house: House) -> bool:
    with house.owner_db() as database:
        restless = "select from provisioning.slots where allocation_id is null and not clean"
        moving = "select from provisioning.allocations where state not in ('active', 'released', 'refused', 'failed')"
        return not database.execute(f"{restless} union all {moving}").fetchall()  # type: ignore[arg-type]


def rows(house: House) -> dict[str, int]:
    with house.owner_db() as database:
        return {table: database.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}  # type: ignore[index]


def check(house: House, words: tuple[str, ...], code: int, said: tuple[str, ...], profile: str) -> None:
    before = rows(house)
    ran = house.cli(*words, profile=profile)
    assert ran.code == code, str(ran)
    assert all(part in ran.err for part in said), str(ran)
    assert ran.out == ""
    assert "do:" in ran.err, str(ran)
    assert rows(house) == before


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_tenant_is_told_and_nothing_changes(house: House, case: str) -> None:
    check(house, *CASES[case], profile="demo")


@pytest.mark.parametrize("case", OPERATOR_CASES, ids=str)
def test_an_operator_is_told_and_nothing_changes(house: House, case: str) -> None:
    check(house, *OPERATOR_CASES[case], profile="admin")


def test_a_key_is_not_taken_for_another_request(house: House) -> None:
    words = ("projects", "create")
    house.cli(*words, "once", check=True)
    with house.api("demo@example.com") as api:
        first = api.post("/projects", json={"name": "twice"}, headers={"Idempotency-Key": "bad-input-1"})
        again = api.post("/projects", json={"name": "twice"}, headers={"Idempotency-Key": "bad-input-1"})
        other = api.post("/projects", json={"name": "thrice"}, headers={"Idempotency-Key": "bad-input-1"})
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_foreign_id_answers_like_one_that_never_was(house: House) -> None:
    made = house.cli("projects", "create", "theirs", "-o", "json", profile="other", check=True).json

    def told(project_id: str) -> dict[str, Any]:
        ran = house.cli("projects", "show", project_id, "-o", "json")
        assert ran.code == 5, str(ran)
        return {
            key: value for key, value in json.loads(ran.err.replace(project_id, "ID")).items() if key != "request_id"
        }

    assert told(made["id"]) == told(f"prj_{NOBODY}")
