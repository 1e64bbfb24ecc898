"""What buckets hold and move is on the bill, equals the server's own count, and stops when quota or credit ends."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from aifactory.domains.billing import facade as billing
from aifactory.domains.billing import usage as counting
from aifactory.domains.storage_network.tests.bucket_stories import DEMO, random_bytes
from aifactory.kernel.errors import Problem
from aifactory.kernel.money import Money
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Grant, Principal

LINES = ("bucket.egress", "bucket.ingress", "bucket.storage")


def server_says(stories, name, bucket):
    """The server's own count, in the form that operators look at."""
    line = f'SeaweedFS_s3_bucket_traffic_{name}_bytes_total{{bucket="{bucket.bucket}"}} '
    found = [text for text in stories.server.metrics_text().splitlines() if text.startswith(line)]
    return int(float(found[0].rpartition(" ")[2])) if found else 0


async def unbilled(stories, bucket):
    async with stories.tx() as tx:
        statement = json.loads(await billing.statement(tx, None, None, Page(100)))
    return {
        line["sku"]: line for line in statement["unbilled"]["lines"] if line["allocation_id"] == bucket.id
    }, statement


async def billed(stories, bucket):
    async with stories.tx() as tx:
        statement = json.loads(await billing.statement(tx, None, None, Page(100)))
    return {line["sku"]: line for line in statement["lines"] if line["allocation_id"] == bucket.id}


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


async def used(stories, size=3_000_000):
    """A bucket with an object that was read twice, measured."""
    bucket = await stories.has_a_bucket()
    key = await stories.has_a_key(bucket)
    s3 = stories.client(key)
    s3.put_object(Bucket=bucket.bucket, Key="k", Body=random_bytes(size))
    for _ in range(2):
        s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()
    await stories.measures(10)
    return bucket, s3


async def test_bytes_stored_and_moved_equal_the_servers_own_count(stories):
    bucket, _ = await used(stories)
    shown = (await stories.shows(bucket.id)).usage
    assert shown.received_bytes == server_says(stories, "received", bucket) == 3_000_000
    assert shown.sent_bytes == server_says(stories, "sent", bucket) == 6_000_000
    own = (await stories.store.usage())[bucket.bucket].bytes_stored
    assert shown.bytes_stored == own >= 3_000_000
    await stories.measures(60)
    lines, _ = await unbilled(stories, bucket)
    assert sorted(lines) == list(LINES)
    assert (lines["bucket.ingress"]["quantity"], lines["bucket.egress"]["quantity"]) == ("3000000", "6000000")
    held = lines["bucket.storage"]
    assert 60 * own <= int(held["quantity"]) <= 90 * own and held["unit"] == "gb_month"
    exact = (Decimal(held["quantity"]) * Decimal("0.02") / Decimal(10**9 * 3600 * 730)).quantize(Decimal("1e-9"))
    assert Decimal(held["exact_amount"]["amount"]) == exact
    who = Principal("usr_y", "user", "y", DEMO, (Grant("tenant_admin", f"tenant:{DEMO}"),))
    async with stories.tx("tenant", DEMO, who) as tx:
        listed = json.loads(await billing.usage(tx, Page(50)))["items"]
    assert {item["sku"] for item in listed if item["allocation_id"] == bucket.id} == set(LINES)


async def test_a_deleted_bucket_is_billed_to_its_last_byte(stories):
    bucket, s3 = await used(stories)
    s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()  # after the last sample
    await stories.time_passes(5)
    await stories.deletes(bucket, force=True)
    lines = await billed(stories, bucket)
    assert lines["bucket.egress"]["quantity"] == "9000000" and lines["bucket.egress"]["unit"] == "gb"
    assert lines["bucket.egress"]["exact_amount"]["amount"] == "0.00009"
    assert lines["bucket.egress"]["name"] == "data"
    assert (await unbilled(stories, bucket))[0] == {}
    await stories.measures()
    assert await billed(stories, bucket) == lines, "nothing is added to what was billed"


async def test_the_servers_restart_neither_loses_nor_doubles(stories):
    bucket, s3 = await used(stories)
    stories.server.kill()
    await stories.measures()
    stories.server.start()
    await stories.measures()
    await stories.server_reads(s3, bucket)
    await stories.measures(10)
    await stories.measures(10)
    shown = (await stories.shows(bucket.id)).usage
    assert server_says(stories, "sent", bucket) == 3_000_000, "the server began anew"
    assert (shown.received_bytes, shown.sent_bytes) == (3_000_000, 9_000_000)


async def test_a_write_over_the_quota_is_refused_until_something_was_deleted(stories):
    bucket = await stories.has_a_bucket(quota_bytes=1_000_000)
    s3 = stories.client(await stories.has_a_key(bucket))
    s3.put_object(Bucket=bucket.bucket, Key="k", Body=random_bytes(1_100_000))
    await stories.measures(10)
    full = await stories.shows(bucket.id)
    (writable,) = [c for c in full.conditions if c["type"] == "Writable"]
    assert (full.access, writable["reason"]) == ("no_writes", "QuotaExceeded")
    assert refused(s3.put_object, Bucket=bucket.bucket, Key="more") == "AccessDenied"
    assert len(s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()) == 1_100_000
    s3.delete_object(Bucket=bucket.bucket, Key="k")
    await stories.server_erased(bucket)
    await stories.measures(10)
    assert (await stories.shows(bucket.id)).access == "full"
    s3.put_object(Bucket=bucket.bucket, Key="more", Body=b"")


async def test_without_credit_the_bucket_closes_and_opens_again_with_it(stories):
    bucket = await stories.has_a_bucket()
    s3 = stories.client(await stories.has_a_key(bucket))
    s3.put_object(Bucket=bucket.bucket, Key="k", Body=random_bytes(1_000_000))
    await stories.measures(70)
    async with stories.tx("operator") as tx:
        await billing.change_price(tx, billing.NewPrice("bucket.egress", "local", Decimal(1_000_000), "EUR"))
    await stories.measures(70)
    s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()  # 1000 EUR
    await stories.measures(70)
    closed = await stories.shows(bucket.id)
    (writable,) = [c for c in closed.conditions if c["type"] == "Writable"]
    assert (closed.access, writable["reason"]) == ("none", "CreditExhausted")
    assert refused(s3.get_object, Bucket=bucket.bucket, Key="k") == "AccessDenied"
    assert len(await stories.events("billing.hold_extension_failed")) == 1
    with pytest.raises(Problem) as caught:
        await stories.asks_for_a_bucket("another")
    assert (caught.value.status, caught.value.code) == (402, "insufficient_credit")
    async with stories.tx() as tx:
        await billing.grant_credit(tx, DEMO, Money(Decimal(10_000), "EUR"), "payment", "paid", "payment:test")
    await stories.measures(10)
    assert (await stories.shows(bucket.id)).access == "full"
    s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()
    await stories.deletes(bucket, force=True)
    assert (await billed(stories, bucket))["bucket.egress"]["amount"]["amount"] == "2000.00"
    async with stories.tx("operator") as tx:
        books = json.loads(await billing.trial_balance(tx))
    assert all(
        Decimal(total["debits"]["amount"]) == Decimal(total["credits"]["amount"]) for total in books.get("totals", [])
    )


async def test_an_interval_is_recorded_once_however_often_it_is_told(stories):
    bucket, _ = await used(stories)
    async with stories.tx() as tx:
        now = (await tx.now()).replace(microsecond=0)
        told = billing.Usage(
            bucket.id, "data", bucket.project_id, "local", "bucket.egress", now - timedelta(seconds=1), now, 7
        )
        assert await billing.record_usage(tx, told) is True
        assert await billing.record_usage(tx, told) is False


async def test_a_month_that_is_over_is_billed_once_and_late_use_goes_to_the_next(stories):
    bucket, _ = await used(stories)
    await stories.measures(60)
    async with stories.tx() as tx:
        counted_at = (await tx.now()).replace(microsecond=0)
    assert await counting.settle_due(stories.database) == 0
    days = (counting.month_end(counted_at) - counted_at).days + 1
    await stories.time_passes(days * 86400 + 7200)
    assert await counting.settle_due(stories.database) == 3
    assert await counting.settle_due(stories.database) == 0
    month = f"{counted_at + timedelta(days=days):%Y-%m}"
    async with stories.tx() as tx:
        told = json.loads(await billing.statement(tx, month, None, Page(100)))
        assert {line["sku"] for line in told["lines"]} == set(LINES)
        late = billing.Usage(
            bucket.id,
            "data",
            bucket.project_id,
            "local",
            "bucket.egress",
            counted_at,
            counted_at + timedelta(seconds=9),
            7,
        )
        assert await billing.record_usage(tx, late) is True
        after = json.loads(await billing.statement(tx, month, None, Page(100)))
    assert after["lines"] == told["lines"]
    assert [line["quantity"] for line in after["unbilled"]["lines"] if line["sku"] == "bucket.egress"] == ["7"]
