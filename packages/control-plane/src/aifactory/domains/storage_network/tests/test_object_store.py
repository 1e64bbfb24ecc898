"""The adapter against the real server: each call can be repeated, and what the server says is read as it is."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from aifactory.domains.storage_network.adapters import exposition
from aifactory.domains.storage_network.adapters.configured import configured_store
from aifactory.domains.storage_network.adapters.sigv4 import signed_headers
from aifactory.domains.storage_network.bucket_key import new_pair
from aifactory.domains.storage_network.ports import NotEmpty, StoreKey, StoreUnreachable


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def store(object_store_server):
    return configured_store(object_store_server.settings)


def a_key(bucket, mode="read_write"):
    access_key_id, secret = new_pair()
    return StoreKey(f"bkey_{access_key_id.lower()}", access_key_id, secret, bucket, mode)


@pytest.mark.parametrize("query", ["", "?list-type=2&prefix=a%20b", "?versions=&max-keys=10"])
def test_signatures_are_those_of_botocore(query):
    url = f"http://127.0.0.1:8333/bucket/key%20one{query}"
    request = AWSRequest("PUT", url, data=b"body", headers={"Content-Type": "text/plain"})
    request.context["timestamp"] = "20261125T223400Z"
    credentials = Credentials("AIFTEST", "secret")
    signer = SigV4Auth(credentials, "iam", "us-east-1")
    request.headers["X-Amz-Date"] = "20261125T223400Z"
    ours = signed_headers(
        "PUT", url, {"Content-Type": "text/plain"}, b"body",
        access_key_id="AIFTEST", secret="secret", at=datetime(2026, 11, 25, 22, 34, tzinfo=UTC), service="iam",
    )  # fmt: skip
    request.headers["X-Amz-Content-SHA256"] = ours["x-amz-content-sha256"]
    request.headers["host"] = "127.0.0.1:8333"
    canonical = signer.canonical_request(request).replace("key%2520one", "key%20one")
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")


async def test_a_bucket_is_made_once_and_removed_only_when_it_is_empty(store):
    await store.check()
    for _ in range(2):
        await store.make("adapter-one", versioning=False)
    assert await store.exists("adapter-one") and not await store.exists("adapter-none")
    key = a_key("adapter-one")
    await store.grant(key)
    tenant = boto(store, key)
    for number in range(3):
        tenant.put_object(Bucket="adapter-one", Key=f"a/{number} <&>", Body=b"x")
    tenant.create_multipart_upload(Bucket="adapter-one", Key="open")
    with pytest.raises(NotEmpty):
        await store.remove("adapter-one")
    for _ in range(10):
        if await store.empty("adapter-one"):
            break
    for _ in range(2):
        await store.remove("adapter-one")
    assert not await store.exists("adapter-one")


def boto(store, key, service="s3"):
    return boto3.client(
        service,
        endpoint_url=store.endpoint,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
    )


async def test_all_versions_of_everything_go_when_a_bucket_is_emptied(store):
    await store.make("adapter-versions", versioning=True)
    key = a_key("adapter-versions")
    await store.grant(key)
    tenant = boto(store, key)
    for body in (b"one", b"two"):
        tenant.put_object(Bucket="adapter-versions", Key="a", Body=body)
    first = tenant.list_object_versions(Bucket="adapter-versions")["Versions"][-1]["VersionId"]
    assert tenant.get_object(Bucket="adapter-versions", Key="a", VersionId=first)["Body"].read() == b"one"
    tenant.delete_object(Bucket="adapter-versions", Key="a")
    with pytest.raises(NotEmpty):
        await store.remove("adapter-versions")
    for _ in range(10):
        if await store.empty("adapter-versions"):
            break
    await store.remove("adapter-versions")
    assert not await store.exists("adapter-versions")


async def test_a_key_opens_its_bucket_in_its_mode_and_nothing_else(store):
    for name in ("adapter-mine", "adapter-foreign"):
        await store.make(name, versioning=False)
    writer, reader = a_key("adapter-mine"), a_key("adapter-mine", "read_only")
    for key in (writer, reader):
        assert not await store.granted(key)
        for _ in range(2):
            await store.grant(key)
        assert await store.granted(key)
    s3, ro = boto(store, writer), boto(store, reader)
    s3.put_object(Bucket="adapter-mine", Key="k", Body=b"content")
    assert ro.get_object(Bucket="adapter-mine", Key="k")["Body"].read() == b"content"
    assert [item["Key"] for item in ro.list_objects_v2(Bucket="adapter-mine")["Contents"]] == ["k"]
    for call in (ro.put_object, ro.create_multipart_upload, ro.delete_object):
        assert refused(call, Bucket="adapter-mine", Key="k") == "AccessDenied"
    for call in (s3.list_objects_v2, s3.delete_bucket, s3.get_bucket_policy):
        assert refused(call, Bucket="adapter-foreign") == "AccessDenied"
    assert refused(s3.create_bucket, Bucket="adapter-new") == "AccessDenied"
    assert refused(s3.delete_bucket, Bucket="adapter-mine") == "AccessDenied"
    assert refused(s3.put_bucket_policy, Bucket="adapter-mine", Policy="{}") == "AccessDenied"
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["adapter-mine"]


async def test_revoking_takes_every_key_of_its_user_also_those_that_the_holder_made(store):
    await store.make("adapter-revoked", versioning=False)
    key = a_key("adapter-revoked")
    await store.grant(key)
    made = boto(store, key, "iam").create_access_key()["AccessKey"]
    second = StoreKey(key.user, made["AccessKeyId"], made["SecretAccessKey"], key.bucket, key.mode)
    boto(store, second).put_object(Bucket="adapter-revoked", Key="k", Body=b"")
    for _ in range(2):
        await store.revoke(key.user)
    assert not await store.known(key.user) and not await store.granted(key)
    for one in (key, second):
        assert refused(boto(store, one).get_object, Bucket="adapter-revoked", Key="k") == "InvalidAccessKeyId"


async def test_access_is_narrowed_and_given_back_and_read_back(store):
    await store.make("adapter-access", versioning=False)
    key = a_key("adapter-access")
    await store.grant(key)
    s3 = boto(store, key)
    upload = s3.create_multipart_upload(Bucket="adapter-access", Key="big")["UploadId"]
    s3.put_object(Bucket="adapter-access", Key="k", Body=b"content")
    await store.set_access("adapter-access", "no_writes")
    assert await store.access("adapter-access") == "no_writes"
    for call in (s3.put_object, s3.create_multipart_upload):
        assert refused(call, Bucket="adapter-access", Key="new") == "AccessDenied"
    part = {"Bucket": "adapter-access", "Key": "big", "UploadId": upload, "PartNumber": 1, "Body": b"x"}
    assert refused(s3.upload_part, **part) == "AccessDenied"
    copy = {"Bucket": "adapter-access", "Key": "c", "CopySource": "adapter-access/k"}
    assert refused(s3.copy_object, **copy) == "AccessDenied"
    assert s3.get_object(Bucket="adapter-access", Key="k")["Body"].read() == b"content"
    await store.set_access("adapter-access", "none")
    assert await store.access("adapter-access") == "none"
    assert refused(s3.get_object, Bucket="adapter-access", Key="k") == "AccessDenied"
    s3.delete_object(Bucket="adapter-access", Key="k")
    for _ in range(2):
        await store.set_access("adapter-access", "full")
    assert await store.access("adapter-access") == "full"
    s3.put_object(Bucket="adapter-access", Key="k", Body=b"again")


async def test_usage_is_what_the_server_counts(store, object_store_server):
    await store.make("adapter-usage", versioning=False)
    key = a_key("adapter-usage")
    await store.grant(key)
    s3 = boto(store, key)
    s3.put_object(Bucket="adapter-usage", Key="k", Body=bytes(range(256)) * 4000)
    for _ in range(2):
        s3.get_object(Bucket="adapter-usage", Key="k")["Body"].read()
    usage = (await store.usage())["adapter-usage"]
    assert (usage.received.value, usage.sent.value) == (1_024_000, 2_048_000)
    line = 'SeaweedFS_s3_bucket_traffic_sent_bytes_total{bucket="adapter-usage"} '
    (told,) = [part for part in object_store_server.metrics_text().splitlines() if part.startswith(line)]
    assert float(told.rpartition(" ")[2]) == usage.sent.value
    assert usage.bytes_stored > 0 and usage.sent.begun != "0.000000000"
    assert (await store.usage())["adapter-usage"].sent.begun == usage.sent.begun


def test_a_damaged_exposition_is_refused():
    for message in (b"\x05\x0a", b"\xff" * 12, b"\x02\x0b\x00"):
        with pytest.raises(ValueError):
            exposition.counters(message, "name", "bucket")


async def test_a_store_that_is_not_there_is_unreachable_and_a_half_told_one_stops_the_start():
    settings = {
        "AIF_S3_URL": "http://127.0.0.1:9",
        "AIF_S3_ADMIN_KEY_ID": "a",
        "AIF_S3_ADMIN_SECRET": "b",
        "AIF_S3_METRICS_URL": "http://127.0.0.1:9",
        "AIF_S3_VOLUME_URLS": "http://127.0.0.1:9",
    }
    with pytest.raises(StoreUnreachable):
        await configured_store(settings).check()
    assert configured_store({}) is None
    with pytest.raises(SystemExit, match="AIF_S3_ADMIN_SECRET_FILE"):
        configured_store(settings | {"AIF_S3_ADMIN_SECRET": ""})
