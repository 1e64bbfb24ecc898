"""SeaweedFS through what it has in common with others: the S3 interface, and AWS's IAM interface on the same port.

Two things are its own. CreateAccessKey takes a secret of ours. And a holder of a key may make further keys for the same
user, so there is one user per key, and revoking removes the user with all of them.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from aifactory.domains.storage_network.adapters import exposition, xml
from aifactory.domains.storage_network.adapters.s3_http import SignedHttp
from aifactory.domains.storage_network.object_stores import SEAWEEDFS
from aifactory.domains.storage_network.ports import (
    Access,
    BucketUsage,
    NotEmpty,
    StoreKey,
    StoreRefused,
)

T = TypeVar("T")
_POLICY = "aifactory"
_RECEIVED = "SeaweedFS_s3_bucket_traffic_received_bytes_total"
_SENT = "SeaweedFS_s3_bucket_traffic_sent_bytes_total"
_READ = ("s3:GetObject", "s3:GetObjectVersion")
_WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload", "s3:ListParts")
_LIST = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation")
_DENIED: Mapping[Access, tuple[str, ...]] = {
    "full": (),
    "no_writes": ("s3:PutObject",),
    "none": ("s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
}
_SIDS: Mapping[str, Access] = {"AifNoWrites": "no_writes", "AifNone": "none"}
PAGE = 500


class SeaweedFS:
    driver = SEAWEEDFS.name

    def __init__(self, http: SignedHttp, endpoint: str, metrics_url: str, volume_urls: tuple[str, ...]) -> None:
        """endpoint: as tenants reach it. metrics_url: of the S3 gateway. volume_urls: of every volume server."""
        self._http = http
        self.endpoint = endpoint
        self._metrics_url = metrics_url
        self._volume_urls = volume_urls

    async def check(self) -> None:
        """Answers only once it also finds its own records: listing buckets asks the whole chain."""
        await self._http.s3("GET", "/")

    async def make(self, bucket: str, versioning: bool) -> None:
        await self._unless(("BucketAlreadyOwnedByYou", "BucketAlreadyExists"), self._http.s3("PUT", f"/{bucket}"))
        if versioning:
            body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            await self._http.s3("PUT", f"/{bucket}", {"versioning": ""}, body)

    async def exists(self, bucket: str) -> bool:
        return await self._unless(("404", "NoSuchBucket"), self._http.s3("HEAD", f"/{bucket}")) is not None

    async def remove(self, bucket: str) -> None:
        """The server refuses a bucket with objects, but not one that holds only earlier versions: those we look for."""
        if await self._unless(("NoSuchBucket",), self._versions(bucket, 1)):
            raise NotEmpty("BucketNotEmpty", "it holds versions of objects")
        try:
            await self._unless(("NoSuchBucket",), self._http.s3("DELETE", f"/{bucket}"))
        except StoreRefused as refused:
            if refused.code == "BucketNotEmpty":
                raise NotEmpty(refused.code, str(refused)) from refused
            raise

    async def empty(self, bucket: str) -> bool:
        objects = await self._versions(bucket, PAGE)
        if objects:
            body = xml.deletion(objects)
            digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            await self._http.s3("POST", f"/{bucket}", {"delete": ""}, body, {"content-md5": digest})
            return False
        uploads = xml.records(await self._http.s3("GET", f"/{bucket}", {"uploads": ""}), "Upload", "Key", "UploadId")
        for key, upload_id in uploads[:50]:
            gone = self._http.s3("DELETE", f"/{bucket}/{key}", {"uploadId": upload_id})
            await self._unless(("NoSuchUpload",), gone)
        return not uploads

    async def _versions(self, bucket: str, limit: int) -> list[tuple[str, str]]:
        """Key and version id ("" where there is none) of what is in it, deletion markers included."""
        listing = await self._http.s3("GET", f"/{bucket}", {"max-keys": str(limit), "versions": ""})
        found = [row for name in ("Version", "DeleteMarker") for row in xml.records(listing, name, "Key", "VersionId")]
        return [(key, "" if version == "null" else version) for key, version in found]

    async def set_access(self, bucket: str, access: Access) -> None:
        """By a bucket policy whose refusal also binds keys that the holder of a key made for itself."""
        if access == "full":
            await self._unless(("NoSuchBucketPolicy",), self._http.s3("DELETE", f"/{bucket}", {"policy": ""}))
            return
        statement = {
            "Sid": next(sid for sid, named in _SIDS.items() if named == access),
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(_DENIED[access]),
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        await self._http.s3("PUT", f"/{bucket}", {"policy": ""}, _policy(statement))

    async def access(self, bucket: str) -> Access:
        policy = await self._unless(("NoSuchBucketPolicy",), self._http.s3("GET", f"/{bucket}", {"policy": ""}))
        statements = json.loads(policy)["Statement"] if policy else []
        return next((_SIDS[sid] for part in statements if (sid := part.get("Sid", "")) in _SIDS), "full")

    async def grant(self, key: StoreKey) -> None:
        """The policy goes before the key: there is no moment in which it may do more, or nothing."""
        actions = _READ if key.mode == "read_only" else (*_READ, *_WRITE)
        document = _policy(
            {"Effect": "Allow", "Action": list(actions), "Resource": [f"arn:aws:s3:::{key.bucket}/*"]},
            {"Effect": "Allow", "Action": list(_LIST), "Resource": [f"arn:aws:s3:::{key.bucket}"]},
        ).decode()
        await self._unless(("EntityAlreadyExists",), self._http.iam("CreateUser", UserName=key.user))
        await self._http.iam("PutUserPolicy", UserName=key.user, PolicyName=_POLICY, PolicyDocument=document)
        made = self._http.iam(
            "CreateAccessKey", UserName=key.user, AccessKeyId=key.access_key_id, SecretAccessKey=key.secret
        )
        await self._unless(("EntityAlreadyExists",), made)

    async def granted(self, key: StoreKey) -> bool:
        listed = await self._unless(("NoSuchEntity",), self._http.iam("ListAccessKeys", UserName=key.user))
        policy = await self._unless(
            ("NoSuchEntity",), self._http.iam("GetUserPolicy", UserName=key.user, PolicyName=_POLICY)
        )
        return policy is not None and key.access_key_id in xml.texts(listed or b"<none/>", "AccessKeyId")

    async def revoke(self, user: str) -> None:
        await self._unless(("NoSuchEntity",), self._http.iam("DeleteUser", UserName=user))

    async def known(self, user: str) -> bool:
        return await self._unless(("NoSuchEntity",), self._http.iam("GetUser", UserName=user)) is not None

    async def usage(self) -> Mapping[str, BucketUsage]:
        """A bucket is a collection: its volumes without what was deleted from them. Copies of a volume count once."""
        metrics, *statuses = await asyncio.gather(
            self._http.fetch(self._metrics_url, {"accept": exposition.ACCEPT}),
            *(self._http.fetch(f"{url}/status") for url in self._volume_urls),
        )
        stored: dict[tuple[str, int], int] = {}
        for status in statuses:
            for volume in json.loads(status)["Volumes"] or []:
                stored[volume["Collection"], volume["Id"]] = max(0, volume["Size"] - volume["DeletedByteCount"])
        received = exposition.counters(metrics, _RECEIVED, "bucket")
        sent = exposition.counters(metrics, _SENT, "bucket")
        names = {collection for collection, _ in stored} | received.keys() | sent.keys()
        sizes = {name: sum(size for (collection, _), size in stored.items() if collection == name) for name in names}
        return {name: BucketUsage(sizes[name], received.get(name), sent.get(name)) for name in names if name}

    async def _unless(self, codes: tuple[str, ...], call: Awaitable[T]) -> T | None:
        """None where the store says that it is so already, or that there is nothing of this name."""
        try:
            return await call
        except StoreRefused as refused:
            if refused.code in codes:
                return None
            raise


def _policy(*statements: Mapping[str, object]) -> bytes:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}).encode()
