"""Regions, certificates, dead letters, and the facts of health."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aifactory.domains.platform_control.certificates import IssuedCertificate
from aifactory.kernel.db import Tx
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.pagination import Page

REGION_BY_ID = """
    select id, name, currency, country, simulated, state
    from platform_control.regions where id = %(id)s and deleted_at is null
"""

REGIONS = """
    select id, name, currency, country, simulated, state
    from platform_control.regions where deleted_at is null and state = 'active' order by simulated, created_at, id
"""

OPEN_SIMULATED_REGION = """
    insert into platform_control.regions (id, name, currency, country, simulated)
    values (%(id)s, %(name)s, %(currency)s, %(country)s, true)
    on conflict (id) do update set state = 'active', generation = platform_control.regions.generation + 1, updated_at = kernel.now()
    where platform_control.regions.state = 'closed' and platform_control.regions.simulated
"""

CLOSE_REGION = """
    update platform_control.regions set state = 'closed', generation = generation + 1, updated_at = kernel.now()
    where id = %(id)s and state = 'active'
"""

INSERT_CERTIFICATE = """
    insert into platform_control.agent_certificates
        (id, serial, node_id, fingerprint_sha256, certificate_pem, not_before, not_after)
    values (%(id)s, %(serial)s, %(node_id)s, %(fingerprint)s, %(pem)s, %(not_before)s, %(not_after)s)
"""

CERTIFICATE_COLUMNS = """
    id, serial, node_id, fingerprint_sha256, not_before, not_after, created_at, revoked_at, revoked_by, revocation_reason,
    case when revoked_at is not null then 'revoked' when not_after <= kernel.now() then 'expired' else 'valid' end as state
"""

CERTIFICATE_BY_ID = f"select {CERTIFICATE_COLUMNS} from platform_control.agent_certificates where id = %(id)s"

CERTIFICATE_BY_SERIAL = (
    f"select {CERTIFICATE_COLUMNS} from platform_control.agent_certificates where serial = %(serial)s"
)

CERTIFICATE_PEM = "select certificate_pem from platform_control.agent_certificates where serial = %(serial)s"

CERTIFICATES = f"""
    select {CERTIFICATE_COLUMNS} from platform_control.agent_certificates
    where (%(node_id)s::text is null or node_id = %(node_id)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""

DEAD_LETTER_COLUMNS = """
    id, consumer, event_id, event_type, tenant_id, error, attempts, created_at, replayed_at, replayed_by,
    case when replayed_at is null then 'open' else 'replayed' end as state
"""

DEAD_LETTER_BY_ID = f"select {DEAD_LETTER_COLUMNS} from kernel.dead_letters where id = %(id)s"

DEAD_LETTERS = f"""
    select {DEAD_LETTER_COLUMNS} from kernel.dead_letters
    where (%(state)s::text is null or (replayed_at is null) = (%(state)s = 'open'))
      and (%(consumer)s::text is null or consumer = %(consumer)s)
      and (%(event_type)s::text is null or event_type = %(event_type)s)
      and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s, %(after_id)s))
    order by created_at desc, id desc limit %(limit)s
"""

# A flow's step is the same instant for what it caused; the sequence keeps the order of steps within it.
TRANSITION_EVIDENCE = """
    select 'transition:' || flow_id || ':' || lpad(seq::text, 6, '0') as key, at, subject_id, who as actor,
           kind || ': ' || coalesce(from_state, 'new') || ' → ' || to_state as what, why, tenant_id
    from kernel.flow_transitions
    where (%(subjects)s::text[] is null or subject_id = any(%(subjects)s)) and (%(actor)s::text is null or who = %(actor)s)
      and (%(since)s::timestamptz is null or at >= %(since)s) and (%(until)s::timestamptz is null or at < %(until)s)
      and (%(after_at)s::timestamptz is null or (at <= %(after_at)s and (at, 'transition:' || flow_id || ':' || lpad(seq::text, 6, '0')) < (%(after_at)s, %(after_key)s)))
    order by at desc, 'transition:' || flow_id || ':' || lpad(seq::text, 6, '0') desc limit %(limit)s
"""
# An event has no actor: it says that something is so, not who made it so.
EVENT_EVIDENCE = """
    select 'event:' || id as key, occurred_at as at, aggregate as subject_id, '' as actor, type as what,
           case when sent_at is null then 'not sent yet' else '' end as why, tenant_id
    from kernel.outbox
    where (%(subjects)s::text[] is null or aggregate = any(%(subjects)s)) and %(actor)s::text is null
      and (%(since)s::timestamptz is null or occurred_at >= %(since)s) and (%(until)s::timestamptz is null or occurred_at < %(until)s)
      and (%(after_at)s::timestamptz is null or (occurred_at <= %(after_at)s and (occurred_at, 'event:' || id) < (%(after_at)s, %(after_key)s)))
    order by occurred_at desc, 'event:' || id desc limit %(limit)s
"""

# The event as it was published; gone when it is older than the event log.
DEAD_LETTER_EVENT = """
    select version, aggregate, aggregate_version, occurred_at, payload::text as payload_json from kernel.outbox where id = %(event_id)s
"""

OPEN_OF_A_KIND = """
    select id from kernel.dead_letters
    where replayed_at is null and consumer = %(consumer)s
      and (%(event_type)s::text is null or event_type = %(event_type)s)
    order by created_at, id limit %(limit)s
"""

# One row a question: what an operator looks at first. Ages are in seconds of the database's clock.
HEALTH = """
    select
        (select count(*) from kernel.outbox where sent_at is null)::int as events_waiting,
        (select coalesce(extract(epoch from kernel.now() - min(occurred_at)), 0)
           from kernel.outbox where sent_at is null)::float8 as oldest_event_seconds,
        (select count(*) from kernel.dead_letters where replayed_at is null)::int as dead_letters_open,
        (select count(*) from kernel.flows where not ended and deadline_at < kernel.now())::int as flows_overdue,
        (select count(*) from kernel.schedules where last_error <> '')::int as schedules_failing,
        (select count(*) from kernel.schedules
          where next_at < kernel.now() - interval '5 minutes')::int as schedules_late,
        current_setting('server_version') as postgres_version,
        (select count(*) from pg_stat_activity where datname = current_database())::int as postgres_connections
"""

COMPONENTS = """
    select name, kind, started_at, seen_at, extract(epoch from kernel.now() - seen_at)::float8 as silent_seconds,
           (detail ->> 'loop_late_ms')::float8 as loop_late_ms
    from kernel.components where seen_at > kernel.now() - interval '1 hour' order by kind, name limit 200
"""

REVOKE_CERTIFICATE = """
    update platform_control.agent_certificates
    set revoked_at = kernel.now(), revoked_by = %(by)s, revocation_reason = %(reason)s
    where id = %(id)s and revoked_at is null
"""

REVOKE_NODE_CERTIFICATES = """
    update platform_control.agent_certificates
    set revoked_at = kernel.now(), revoked_by = %(by)s, revocation_reason = %(reason)s
    where node_id = %(node_id)s and revoked_at is null and not_after > kernel.now()
    returning id, serial
"""


@dataclass(frozen=True)
class RegionRow:
    id: str
    name: str
    currency: str
    country: str
    simulated: bool
    state: str


@dataclass(frozen=True)
class CertificateRow:
    id: str
    serial: str
    node_id: str
    fingerprint_sha256: str
    not_before: datetime
    not_after: datetime
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revocation_reason: str | None
    state: Literal["valid", "expired", "revoked"]


@dataclass(frozen=True)
class RevokedRow:
    id: str
    serial: str


@dataclass(frozen=True)
class DeadLetterRow:
    id: str
    consumer: str
    event_id: str
    event_type: str
    tenant_id: str | None
    error: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None
    replayed_by: str | None
    state: Literal["open", "replayed"]


@dataclass(frozen=True)
class EventRow:
    version: int
    aggregate: str
    aggregate_version: int
    occurred_at: datetime
    payload_json: str


@dataclass(frozen=True)
class HealthRow:
    events_waiting: int
    oldest_event_seconds: float
    dead_letters_open: int
    flows_overdue: int
    schedules_failing: int
    schedules_late: int
    postgres_version: str
    postgres_connections: int


@dataclass(frozen=True)
class ComponentRow:
    name: str
    kind: str
    started_at: datetime
    seen_at: datetime
    silent_seconds: float
    loop_late_ms: float | None = None  # the most between its last two beats


async def region(tx: Tx, region_id: str) -> RegionRow | None:
    return await tx.one(REGION_BY_ID, {"id": region_id}, into=RegionRow)


async def regions(tx: Tx) -> list[RegionRow]:
    return await tx.all(REGIONS, {}, into=RegionRow)


async def open_simulated_region(tx: Tx, region_id: str, name: str, currency: str, country: str) -> bool:
    """False when it was open already."""
    params = {"id": region_id, "name": name, "currency": currency, "country": country}
    return await tx.run(OPEN_SIMULATED_REGION, params) == 1


async def close_region(tx: Tx, region_id: str) -> bool:
    return await tx.run(CLOSE_REGION, {"id": region_id}) == 1


async def insert_certificate(tx: Tx, certificate_id: str, node_id: str, issued: IssuedCertificate) -> None:
    await tx.run(
        INSERT_CERTIFICATE,
        {
            "id": certificate_id,
            "serial": issued.serial,
            "node_id": node_id,
            "fingerprint": issued.fingerprint_sha256,
            "pem": issued.pem,
            "not_before": issued.not_before,
            "not_after": issued.not_after,
        },
    )


async def certificate(tx: Tx, certificate_id: str) -> CertificateRow | None:
    return await tx.one(CERTIFICATE_BY_ID, {"id": certificate_id}, into=CertificateRow)


async def certificate_by_serial(tx: Tx, serial: str) -> CertificateRow | None:
    return await tx.one(CERTIFICATE_BY_SERIAL, {"serial": serial}, into=CertificateRow)


async def certificate_pem(tx: Tx, serial: str) -> str | None:
    return await tx.value(CERTIFICATE_PEM, {"serial": serial})


async def certificates(tx: Tx, node_id: str | None, page: Page) -> list[CertificateRow]:
    after_at, after_id = page.after or (None, None)
    params = {"node_id": node_id, "limit": page.limit + 1, "after_at": after_at, "after_id": after_id}
    return await tx.all(CERTIFICATES, params, into=CertificateRow)


async def revoke_certificate(tx: Tx, certificate_id: str, by: str, reason: str) -> int:
    return await tx.run(REVOKE_CERTIFICATE, {"id": certificate_id, "by": by, "reason": reason})


async def revoke_node_certificates(tx: Tx, node_id: str, by: str, reason: str) -> list[RevokedRow]:
    params = {"node_id": node_id, "by": by, "reason": reason}
    return await tx.all(REVOKE_NODE_CERTIFICATES, params, into=RevokedRow)


async def dead_letter(tx: Tx, dead_letter_id: str) -> DeadLetterRow | None:
    return await tx.one(DEAD_LETTER_BY_ID, {"id": dead_letter_id}, into=DeadLetterRow)


async def dead_letters(
    tx: Tx, state: str | None, consumer: str | None, event_type: str | None, page: Page
) -> list[DeadLetterRow]:
    after_at, after_id = page.after or (None, None)
    only = {"state": state, "consumer": consumer, "event_type": event_type}
    params = {**only, "limit": page.limit + 1, "after_at": after_at, "after_id": after_id}
    return await tx.all(DEAD_LETTERS, params, into=DeadLetterRow)


async def event_of(tx: Tx, event_id: str) -> EventRow | None:
    return await tx.one(DEAD_LETTER_EVENT, {"event_id": event_id}, into=EventRow)


async def open_of_a_kind(tx: Tx, consumer: str, event_type: str | None, limit: int) -> list[str]:
    """Oldest first."""
    params = {"consumer": consumer, "event_type": event_type, "limit": limit}
    return [row[0] for row in await tx.all(OPEN_OF_A_KIND, params)]


async def health(tx: Tx) -> HealthRow:
    row = await tx.one(HEALTH, {}, into=HealthRow)
    assert row is not None, "an aggregate always has its row"
    return row


async def components(tx: Tx) -> list[ComponentRow]:
    return await tx.all(COMPONENTS, {}, into=ComponentRow)


async def transition_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    return await tx.all(TRANSITION_EVIDENCE, query.params(), into=EvidenceRow)


async def event_evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    return await tx.all(EVENT_EVIDENCE, query.params(), into=EvidenceRow)
