"""Buckets and their keys on the real server, from the request to the tombstone."""

import pytest
from botocore.exceptions import ClientError

from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.bucket import check_name, name_on_store
from aifactory.domains.storage_network.flows.keep_bucket import KeepBucket
from aifactory.domains.storage_network.flows.keep_bucket_key import KeepBucketKey
from aifactory.domains.storage_network.ports import StoreUnreachable
from aifactory.domains.storage_network.tests.bucket_stories import DEMO, OTHER, random_bytes
from aifactory.kernel.errors import Problem
from aifactory.kernel.flow import check_table
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Grant, Principal


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_the_flow_tables_are_sound():
    assert check_table(KeepBucket) == [] and check_table(KeepBucketKey) == []


@pytest.mark.parametrize("name", ["", "Data", "-a", "a-", "a/b", "..", "a" * 52, "a b", "é", "a.b"])
def test_names_that_no_store_takes_are_refused(name):
    with pytest.raises(Problem) as caught:
        check_name(name)
    assert (caught.value.code, caught.value.field) == ("invalid_bucket_name", "name")


def test_a_name_on_the_store_is_a_valid_one_of_at_most_63_characters():
    assert len(name_on_store("a" * 51, "bkt_" + "0" * 26)) == 63


async def test_a_tenant_makes_a_bucket_and_a_key_and_uses_them(stories):
    asked = await stories.asks_for_a_bucket()
    assert (asked.state, asked.access, await stories.quota()) == ("creating", "full", (1, 1))
    await stories.worker_works()
    bucket = await stories.shows(asked.id)
    assert bucket.state == "available" and bucket.endpoint == stories.server.url
    assert [event["name"] for event in await stories.events("storage_network.bucket_created")] == ["data"]
    key = await stories.has_a_key(bucket)
    assert (await stories.shows_key(key)).state == "active"
    s3 = stories.client(key)
    s3.put_object(Bucket=key.bucket, Key="a", Body=b"content")
    upload = s3.create_multipart_upload(Bucket=key.bucket, Key="big")["UploadId"]
    pieces = [random_bytes(5 << 20), random_bytes(1000)]
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(Bucket=key.bucket, Key="big", UploadId=upload, PartNumber=n, Body=piece)["ETag"],
        }
        for n, piece in enumerate(pieces, 1)
    ]
    s3.complete_multipart_upload(Bucket=key.bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=key.bucket, Key="big")["Body"].read() == b"".join(pieces)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=key.bucket)["Contents"]] == ["a", "big"]
    s3.delete_object(Bucket=key.bucket, Key="a")
    assert code(s3.get_object, Bucket=key.bucket, Key="a") == "NoSuchKey"


async def test_wrong_foreign_read_only_and_revoked_keys_are_refused(stories):
    mine, foreign = await stories.has_a_bucket(), await stories.has_a_bucket(tenant=OTHER)
    assert mine.bucket != foreign.bucket
    writer, reader = await stories.has_a_key(mine), await stories.has_a_key(mine, "read_only")
    theirs = await stories.has_a_key(foreign, tenant=OTHER)
    stories.client(writer).put_object(Bucket=mine.bucket, Key="k", Body=b"mine")
    assert stories.client(reader).get_object(Bucket=mine.bucket, Key="k")["Body"].read() == b"mine"
    assert code(stories.client(reader).put_object, Bucket=mine.bucket, Key="k") == "AccessDenied"
    assert code(stories.client(theirs).get_object, Bucket=mine.bucket, Key="k") == "AccessDenied"
    wrong = type(writer)(**(vars(writer) | {"secret_access_key": "x" * 40}))
    assert code(stories.client(wrong).get_object, Bucket=mine.bucket, Key="k") == "SignatureDoesNotMatch"
    revoked = await stories.revokes(writer)
    assert revoked.state == "revoked" and revoked.deleted_at is not None
    assert code(stories.client(writer).get_object, Bucket=mine.bucket, Key="k") == "InvalidAccessKeyId"
    assert [event["key_id"] for event in await stories.events("storage_network.bucket_key_revoked")] == [writer.id]
    assert [key.id for key in await stories.lists_keys(mine)] == [reader.id]


async def test_a_secret_is_stored_sealed_and_only_until_the_key_is_revoked(stories):
    key = await stories.has_a_key(await stories.has_a_bucket())
    statement = "select sealed_secret, k::text from storage_network.bucket_keys k where id = %s"
    async with stories.tx() as tx:
        sealed, row = await tx.one(statement, (key.id,))
    assert key.secret_access_key not in row and key.secret_access_key.encode() not in bytes(sealed)
    await stories.revokes(key)
    async with stories.tx() as tx:
        assert (await tx.one(statement, (key.id,)))[0] is None


async def test_a_bucket_that_holds_something_stays_until_force_is_given(stories):
    bucket = await stories.has_a_bucket()
    key = await stories.has_a_key(bucket)
    stories.client(key).put_object(Bucket=bucket.bucket, Key="k", Body=b"")
    kept = await stories.deletes(bucket)
    assert kept.state == "available"
    (why,) = [c for c in kept.conditions if c["type"] == "Deletable"]
    assert (why["status"], why["reason"]) == ("False", "BucketNotEmpty")
    stories.client(key).get_object(Bucket=bucket.bucket, Key="k")
    gone = await stories.deletes(bucket, force=True)
    assert gone.state == "deleted" and gone.deleted_at is not None
    assert (await stories.shows_key(key)).state == "revoked"
    assert not await stories.store.exists(bucket.bucket) and not await stories.store.known(key.id)
    assert await stories.quota() == (0, 0)
    assert [event["bucket_id"] for event in await stories.events("storage_network.bucket_deleted")] == [bucket.id]
    assert (await stories.deletes(bucket, force=True)).state == "deleted"
    again = await stories.has_a_bucket()
    assert again.bucket != bucket.bucket, "nothing of the old one can be found under the new one's name"


async def test_an_empty_bucket_goes_with_its_keys(stories):
    bucket = await stories.has_a_bucket()
    key = await stories.has_a_key(bucket)
    assert (await stories.deletes(bucket)).state == "deleted"
    assert (await stories.shows_key(key)).state == "revoked"


async def test_versions_are_kept_where_they_were_asked_for(stories):
    bucket = await stories.has_a_bucket(versioning=True)
    s3 = stories.client(await stories.has_a_key(bucket))
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket.bucket, Key="k", Body=body)
    s3.delete_object(Bucket=bucket.bucket, Key="k")
    bodies = {
        s3.get_object(Bucket=bucket.bucket, Key="k", VersionId=version["VersionId"])["Body"].read()
        for version in s3.list_object_versions(Bucket=bucket.bucket)["Versions"]
    }
    assert bodies == {b"one", b"two"}
    assert (await stories.deletes(bucket)).state == "available", "earlier versions are contents too"
    assert (await stories.deletes(bucket, force=True)).state == "deleted"


class Forgetful:
    """Does what it is told, then claims not to have answered: `calls` of the name, once each."""

    def __init__(self, store, *calls):
        self.store = store
        self.calls = list(calls)

    def __getattr__(self, name):
        real = getattr(self.store, name)
        if name not in self.calls:
            return real

        async def done_but_not_told(*arguments, **named):
            self.calls.remove(name)
            await real(*arguments, **named)
            raise StoreUnreachable("the connection broke")

        return done_but_not_told


async def test_an_unknown_outcome_is_asked_again_and_read_back(stories):
    asked = await stories.asks_for_a_bucket()
    await stories.worker_works(Forgetful(stories.store, "make", "exists"))
    bucket = await stories.shows(asked.id)
    assert bucket.state == "available"
    async with stories.tx() as tx:
        key = await facade.create_bucket_key(tx, bucket.id, "key", "read_write")
    await stories.worker_works(Forgetful(stories.store, "grant", "granted"))
    stories.client(key).put_object(Bucket=bucket.bucket, Key="k", Body=b"")
    async with stories.tx() as tx:
        await facade.delete_bucket(tx, bucket.id, force=True)
    await stories.worker_works(Forgetful(stories.store, "revoke", "empty", "remove"))
    assert (await stories.shows(bucket.id)).state == "deleted"


async def test_a_wish_to_delete_turns_a_creation(stories):
    asked = await stories.asks_for_a_bucket()
    async with stories.tx() as tx:
        await facade.delete_bucket(tx, asked.id, force=False)
    await stories.worker_works()
    assert (await stories.shows(asked.id)).state == "deleted" and not await stories.store.exists(asked.bucket)


async def test_creating_waits_for_the_store_and_says_what_to_do(stories):
    async with stories.tx() as tx:
        await tx.run("update storage_network.object_stores set reachable = false, reason = 'refused'")
    with pytest.raises(Problem) as caught:
        await stories.asks_for_a_bucket()
    assert (caught.value.status, caught.value.code) == (503, "object_store_starting")
    assert "Idempotency-Key" in caught.value.todo
    async with stories.tx() as tx:
        await tx.run("update storage_network.object_stores set reachable = true, seen_at = seen_at - interval '1 hour'")
    with pytest.raises(Problem) as caught:
        await stories.asks_for_a_bucket()
    assert caught.value.code == "object_store_starting", "old news is none"
    await stories.looks_at_its_store()
    await stories.asks_for_a_bucket()


async def test_revoking_and_deleting_are_taken_down_also_while_the_store_is_away(stories):
    bucket = await stories.has_a_bucket()
    key = await stories.has_a_key(bucket)
    async with stories.tx() as tx:
        await tx.run("update storage_network.object_stores set reachable = false")
        await facade.revoke_bucket_key(tx, bucket.id, key.id)
        await facade.delete_bucket(tx, bucket.id, force=True)
    await stories.worker_works()
    assert (await stories.shows_key(key)).state == "revoked"
    assert (await stories.shows(bucket.id)).state == "deleted"


async def test_quota_name_and_size_are_walls(stories):
    await stories.asks_for_a_bucket()
    for wanted, expected in (
        ({"name": "data"}, "bucket_name_taken"),
        ({"name": "big", "quota_bytes": 1_000_000_000_001}, "quota_exceeded"),
        ({"name": "small", "quota_bytes": 999_999}, "invalid_bucket_quota"),
    ):
        with pytest.raises(Problem) as caught:
            await stories.asks_for_a_bucket(**wanted)
        assert caught.value.code == expected
    assert await stories.quota() == (1, 1)


async def test_other_tenants_see_nothing(stories):
    bucket = await stories.has_a_bucket()
    key = await stories.has_a_key(bucket)
    for attempt in (
        stories.shows(bucket.id, OTHER),
        stories.shows_key(key, OTHER),
        stories.deletes(bucket, tenant=OTHER),
        stories.has_a_key(bucket, tenant=OTHER),
    ):
        with pytest.raises(Problem) as caught:
            await attempt
        assert caught.value.status == 404
    who = Principal("usr_x", "user", "x", OTHER, (Grant("tenant_admin", f"tenant:{OTHER}"),))
    async with stories.tx("tenant", OTHER, who) as tx:
        assert b'"items" : []' in await facade.list_buckets(tx, Page(), facade.BucketFilter())
    who = Principal("usr_y", "user", "y", DEMO, (Grant("tenant_admin", f"tenant:{DEMO}"),))
    async with stories.tx("tenant", DEMO, who) as tx:
        assert bucket.id.encode() in await facade.list_buckets(tx, Page(), facade.BucketFilter(name="data"))
