"""The audit log proves itself: whatever a database owner changes behind our back is named exactly."""

import asyncio
import threading
from collections.abc import Iterator

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aifactory.domains.iam import audit_proof, exported_heads
from aifactory.domains.iam import facade as iam
from aifactory.kernel.audit_chain import Sealer, link_hash, row_hash
from aifactory.kernel.errors import Problem
from aifactory.kernel.principal import Grant, Principal

DEMO = iam.DEMO
WHO = Principal(DEMO.user_id, "user", DEMO.email, DEMO.tenant_id, (Grant("tenant_admin", f"tenant:{DEMO.tenant_id}"),))


@pytest.fixture
async def sealer(seeded, here) -> Sealer:
    key = load_pem_private_key((here.secrets_dir / "audit_signing.key").read_bytes(), None)
    return Sealer(seeded, key, here.audit_heads_dir)


@pytest.fixture
async def chain(tx_as, sealer) -> list[str]:
    """Three batches of records, sealed; returns the tenant's record ids in the chain's order."""
    for batch in range(3):
        for number in range(4):
            async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
                await tx.audit("thing.do", f"thing_{batch}_{number}", details={"amount": number})
        await sealer.seal_all()
    async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
        return [row[0] for row in await tx.all("select audit_id from kernel.audit_links order by position")]


@pytest.fixture
def owner(owner_url) -> Iterator[psycopg.Connection]:
    """Somebody with all the power over the database, but without the signing key."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # triggers do not stop them
        yield connection


@pytest.fixture
def verify(tx_as):
    async def verify() -> iam.AuditVerification:
        async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
            return await iam.verify_audit(tx, DEMO.tenant_id)

    return verify


async def only(verify, *parts: str) -> None:
    """Exactly one problem is named, in these words."""
    found = await verify()
    assert not found.ok and len(found.problems) == 1, found.problems
    assert all(part in found.problems[0] for part in parts), found.problems


async def some(verify, *parts: str) -> None:
    found = await verify()
    assert not found.ok and any(all(part in problem for part in parts) for problem in found.problems), found.problems


async def test_an_untouched_log_is_in_order(chain, verify):
    found = await verify()
    assert found.ok and found.problems == [] and found.heads_compared
    assert found.entries == len(chain) and found.seals >= 3 and found.waiting == 0 and found.head != "0" * 64


async def test_an_empty_log_is_in_order(tx_as, here, database):
    async with tx_as("tnt_nobody") as tx:
        found = await iam.verify_audit(tx, "tnt_nobody")
    assert found.ok and found.entries == 0 and not found.heads_compared


async def test_new_records_wait_for_their_seal_without_alarm(chain, verify, tx_as):
    async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
        await tx.audit("thing.do", "thing_new")
    found = await verify()
    assert found.ok and found.waiting == 1


@pytest.mark.parametrize(
    "change",
    [
        "action = 'thing.undo'",
        "actor_id = 'usr_innocent'",
        "details = '{\"amount\": 999}'",
        "decision = 'denied'",
        "reason = 'because'",
        "project_id = 'prj_x'",
        "occurred_at = occurred_at + interval '1 microsecond'",
    ],
)
async def test_an_altered_record_is_named(chain, verify, owner, change):
    owner.execute(f"update kernel.audit set {change} where id = %s".encode(), (chain[5],))
    await only(verify, chain[5], "position 6", "altered")


async def test_a_removed_record_is_named(chain, verify, owner):
    owner.execute("delete from kernel.audit where id = %s", (chain[7],))
    await only(verify, chain[7], "position 8", "was removed")


async def test_a_record_removed_with_its_link_leaves_a_gap(chain, verify, owner):
    owner.execute("delete from kernel.audit where id = %s", (chain[7],))
    owner.execute("delete from kernel.audit_links where audit_id = %s", (chain[7],))
    await some(verify, "positions 8 to 8 were removed")


async def test_the_newest_records_cannot_vanish_with_their_seal(chain, verify, owner):
    """Cutting the end off leaves a consistent database; the exported heads remember."""
    last = owner.execute(
        "select max(seal_no) from kernel.audit_seals where tenant_id = %s", (DEMO.tenant_id,)
    ).fetchone()[0]
    where = (DEMO.tenant_id, last)
    owner.execute(
        "delete from kernel.audit where id in (select audit_id from kernel.audit_links where tenant_id = %s and seal_no = %s)",
        where,
    )
    owner.execute("delete from kernel.audit_links where tenant_id = %s and seal_no = %s", where)
    owner.execute("delete from kernel.audit_seals where tenant_id = %s and seal_no = %s", where)
    await only(verify, f"seal {last} was exported and is missing")


async def test_a_rewritten_chain_does_not_fit_its_signed_heads(chain, verify, owner, tx_as):
    """Altering a record and hashing everything after it again: the signatures give it away."""
    owner.execute("update kernel.audit set actor_id = 'usr_innocent' where id = %s", (chain[2],))
    rehash(owner)
    await some(verify, "the chain was rewritten")


async def test_new_heads_need_the_key(chain, verify, owner):
    owner.execute("update kernel.audit set actor_id = 'usr_innocent' where id = %s", (chain[2],))
    rehash(owner)
    owner.execute(
        "update kernel.audit_seals s set head = l.hash from kernel.audit_links l where l.tenant_id = s.tenant_id and l.position = s.last_position"
    )
    await some(verify, "signature is not ours")
    await some(verify, "is not the one that was exported")


def rehash(owner: psycopg.Connection) -> None:
    from aifactory.kernel.audit_chain import GENESIS, ROW_COLUMNS, AuditRow

    head = GENESIS
    rows = owner.execute(
        f"select l.audit_id, {ROW_COLUMNS} from kernel.audit_links l join kernel.audit a on a.id = l.audit_id where l.tenant_id = %s order by position".encode(),
        (DEMO.tenant_id,),
    ).fetchall()
    for audit_id, *record in rows:
        head = link_hash(head, row_hash(AuditRow(*record)))
        owner.execute("update kernel.audit_links set hash = %s where audit_id = %s", (head, audit_id))


COPY = """
insert into kernel.audit select %(id)s, tenant_id, project_id, actor_id, actor_kind, actor_name, 'thing.invented', target_id,
  decision, reason, request_id, occurred_at - %(ago)s::interval, details from kernel.audit where id = %(like)s
"""


async def test_a_record_inserted_into_the_past_is_named(chain, verify, owner):
    """It was put in behind the sealer's back, dated before what is sealed already."""
    owner.execute(COPY, {"id": "aud_invented", "like": chain[0], "ago": "1 hour"})
    await only(verify, "aud_invented", "was inserted", "no seal covers it")


async def test_a_record_inserted_into_the_past_is_named_also_once_it_is_sealed(chain, verify, owner, sealer):
    owner.execute(COPY, {"id": "aud_invented", "like": chain[0], "ago": "1 hour"})
    await sealer.seal_all()
    await only(verify, "aud_invented", "was inserted after")


async def test_a_second_record_under_a_known_id_is_named(chain, verify, owner):
    owner.execute(COPY, {"id": chain[3], "like": chain[3], "ago": "1 second"})
    await some(verify, chain[3], "second one was inserted")


async def test_a_record_chained_by_hand_has_no_seal(chain, verify, owner):
    owner.execute(COPY, {"id": "aud_invented", "like": chain[-1], "ago": "0 seconds"})
    owner.execute(
        "insert into kernel.audit_links values ('aud_invented', %s, 99, %s, kernel.now(), 'x')",
        (DEMO.tenant_id, len(chain) + 1),
    )
    rehash(owner)
    await only(verify, f"positions {len(chain) + 1} to {len(chain) + 1} were inserted without a seal")


async def test_altered_exports_are_noticed(chain, verify, here):
    file = here.audit_heads_dir / f"{DEMO.tenant_id}.heads"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0].replace('"head":"', '"head":"0'), "rubbish", *lines[1:]]))
    await some(verify, "seal 1 is not the one that was exported")
    await some(verify, f"byte {len(lines[0]) + 2}", "not an exported head")


@pytest.fixture
def in_parts(tx_as, monkeypatch):
    """Proves part by part, each as small as it can be; returns the parts."""
    from aifactory.domains.iam import audit_verification

    async def verify() -> list[iam.AuditVerification]:
        monkeypatch.setattr(audit_verification, "MOST_RECORDS", 3)
        monkeypatch.setattr(audit_verification, "BATCH", 2)
        parts, after = [], 0
        while after is not None:
            async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
                parts.append(await iam.verify_audit(tx, DEMO.tenant_id, after))
            assert parts[-1].after_seal == after
            after = parts[-1].next_after_seal
        return parts

    return verify


async def test_a_long_log_is_proved_in_parts_that_follow_each_other(chain, verify, in_parts):
    whole, parts = await verify(), await in_parts()
    assert len(parts) == whole.seals >= 3 and all(part.ok for part in parts), parts
    assert sum(part.entries for part in parts) == whole.entries == len(chain)
    assert parts[-1].head == whole.head


async def test_each_kind_of_tampering_is_found_in_its_part(chain, in_parts, owner):
    owner.execute("update kernel.audit set actor_id = 'usr_innocent' where id = %s", (chain[-1],))
    parts = await in_parts()
    assert [part.ok for part in parts] == [True] * (len(parts) - 1) + [False]
    rehash(owner)
    assert "the chain was rewritten" in (await in_parts())[-1].problems[0]
    owner.execute("delete from kernel.audit_links where audit_id = %s", (chain[0],))
    assert "were removed" in (await in_parts())[0].problems[0]


async def test_a_seal_to_go_on_from_must_be_signed_and_must_be_there(chain, tx_as, owner):
    owner.execute("update kernel.audit_seals set head = 'x' where tenant_id = %s and seal_no = 1", (DEMO.tenant_id,))
    async with tx_as(DEMO.tenant_id, principal=WHO) as tx:
        found = await iam.verify_audit(tx, DEMO.tenant_id, 1)
        assert any("seal 1: its signature is not ours" in problem for problem in found.problems)
        with pytest.raises(Problem) as refused:
            await iam.verify_audit(tx, DEMO.tenant_id, 1000)
    assert (refused.value.status, refused.value.field) == (422, "after_seal")


async def test_hashing_leaves_the_event_loop_to_others(chain, verify, monkeypatch):
    """While a batch is hashed, whoever else asks is served: here the hashing waits for the loop."""
    served = threading.Event()
    loop, taken = asyncio.get_running_loop(), audit_proof.Proof.take

    def take(proof, links):
        loop.call_soon_threadsafe(served.set)
        assert served.wait(20), "nobody was served while it hashed"
        taken(proof, links)

    monkeypatch.setattr(audit_proof.Proof, "take", take)
    assert (await verify()).ok


def test_exported_heads_are_found_by_halving(tmp_path):
    file = tmp_path / "tnt_a.heads"
    line = '{"seal_no":%d,"last_position":%d,"head":"h","signature":"s"}\n'
    numbers = list(range(1, 20_001))
    numbers[9_000], numbers[9_001] = numbers[9_001], numbers[9_000]  # two sealers at once
    file.write_text("".join(line % (number, number) for number in numbers))
    size = file.stat().st_size
    assert size > 10 * exported_heads.NEAR_BYTES
    for after, last in ((0, 10), (8_990, 9_010), (19_990, None), (0, None), (20_000, None)):
        found = exported_heads.between(file, after, last, size)
        wanted = list(range(after + 1, (last or 20_000) + 1))
        assert sorted(head["seal_no"] for head in found.heads) == wanted and not found.unreadable
    assert exported_heads.between(tmp_path / "none", 0, None, 0) is None


async def test_the_routes_list_and_verify(house, sealer):
    browser = await house.browser().sign_in("demo@example.com")
    made = (await browser.act("POST", "/projects", {"name": "seen"})).json()["id"]
    await browser.act("POST", "/projects", {"name": "default"})  # a refusal leaves a record too
    await sealer.seal_all()
    entries = (await browser.get("/audit")).json()["items"]
    assert {"sign_in", "project.create"} <= {entry["action"] for entry in entries}
    assert any(entry["decision"] == "denied" and entry["reason"] == "project_name_taken" for entry in entries)
    about = (await browser.get("/audit", params={"target": made})).json()["items"]
    assert [entry["actor_name"] for entry in about] == ["demo@example.com"]
    assert (await browser.get("/audit", params={"actor": "usr_nobody"})).json()["items"] == []
    assert (await browser.get("/audit/verify")).json()["ok"] is True
    other = await house.browser().sign_in("other@example.com")
    assert made not in (await other.get("/audit")).text
    operator = await house.browser().sign_in("admin@example.com")
    assert made in (await operator.get("/admin/audit", params={"target": made})).text
    found = (await operator.get("/admin/audit/verify", params={"tenant_id": DEMO.tenant_id})).json()
    assert found["ok"] is True and found["entries"] > 0


@pytest.mark.parametrize("tenant_id", ["../elsewhere", "..", "/etc/passwd", "tnt_a/../../elsewhere", ""])
async def test_no_tenants_name_leads_the_proof_to_another_file(tx_as, here, tenant_id):
    (here.audit_heads_dir.parent / "elsewhere.heads").write_text("a secret\n")
    async with tx_as(None, role="operator", principal=Principal("usr_operator", "user", "operator")) as tx:
        with pytest.raises(Problem) as refused:
            await iam.verify_audit(tx, tenant_id)
    assert (refused.value.status, refused.value.code) == (404, "not_found")
