"""Workers and the object store die without a word; buckets and keys end up as they were asked for, and are billed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from house import House, until

from aifactory.domains.storage_network.flows.keep_bucket import KeepBucket
from aifactory.domains.storage_network.flows.keep_bucket_key import KeepBucketKey
from aifactory.kernel.flow import crash_points

POINTS = sorted(crash_points([KeepBucket, KeepBucketKey]))
SAMPLE = ("storage_network.bucket:creating:after_effect", "storage_network.bucket_key:revoking:after_effect")
DEATHS_WINDOW_SECONDS = 62.0
DEATHS_ALLOWED = 4
DONE_SECONDS = 90


class Crashes:
    """The file that names the point where the next worker dies, and how often it may."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o777)
        self.file, self.hits = folder / "point", folder / "point.hits"
        self.deaths: list[float] = []
        for path in (self.file, self.hits):
            path.touch()
            path.chmod(0o666)

    def arm(self, point: str) -> None:
        until(self._may_die, DEATHS_WINDOW_SECONDS + 5, "the worker may not die yet")
        self.deaths.append(time.monotonic())
        self.file.write_text(point)

    def _may_die(self) -> bool:
        self.deaths = [at for at in self.deaths if time.monotonic() - at < DEATHS_WINDOW_SECONDS]
        return len(self.deaths) < DEATHS_ALLOWED

    def hit(self, point: str) -> bool:
        return point in self.hits.read_text().split("\n")


class Buckets:
    """demo@example.com at the command line and with an S3 client."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.made = 0

    def aif(self, *words: str) -> Any:
        ran = self.house.cli("buckets", *words, "-o", "json")
        assert ran.code == 0, str(ran)
        return ran.json

    def make(self) -> dict[str, Any]:
        self.made += 1
        name = f"b{self.made}-{os.getpid()}"
        until(
            lambda: self.house.cli("buckets", "create", name, "--quota", "100MB").code == 0, DONE_SECONDS, "no bucket"
        )
        return self.aif("show", name)

    def key(self, bucket: dict[str, Any]) -> dict[str, Any]:
        return self.aif("keys", "create", bucket["id"])

    def client(self, key: dict[str, Any]) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=key["endpoint"],
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_access_key"],
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}, proxies={}),
        )

    def life(self) -> None:
        """From the request to the tombstone, with a key that works in between and not afterwards."""
        bucket = self.make()
        key = self.key(bucket)
        s3 = self.client(key)
        s3.put_object(Bucket=bucket["bucket"], Key="k", Body=b"content")
        assert s3.get_object(Bucket=bucket["bucket"], Key="k")["Body"].read() == b"content"
        assert self.aif("keys", "revoke", bucket["id"], key["id"])["state"] == "revoked"
        with pytest.raises(ClientError) as caught:
            s3.get_object(Bucket=bucket["bucket"], Key="k")
        assert caught.value.response["Error"]["Code"] == "InvalidAccessKeyId"
        second = self.key(bucket)
        assert self.aif("delete", bucket["id"], "--force")["state"] == "deleted"
        with pytest.raises(ClientError):
            self.client(second).list_objects_v2(Bucket=bucket["bucket"])


@pytest.fixture(scope="module")
def crash_house() -> Iterator[tuple[House, Crashes]]:
    house = House(slots=1)
    crashes = Crashes(house.data_dir / "crash")
    house.environment = {"AIF_CRASH_FILE": str(crashes.file), "AIF_OBJECT_STORE": "seaweedfs"}
    try:
        house.up()
        house.login("demo@example.com")
        yield house, crashes
    finally:
        house.stop()


@pytest.fixture(scope="module")
def buckets(crash_house: tuple[House, Crashes]) -> Buckets:
    return Buckets(crash_house[0])


@pytest.mark.timeout(400)
def test_a_worker_dies_at_a_sample_of_moments(crash_house: tuple[House, Crashes], buckets: Buckets) -> None:
    for point in SAMPLE:
        assert point in POINTS, f"{point} is no crash point any more: choose another for the sample"
        die_at(crash_house[1], buckets, point)


@pytest.mark.heavy
@pytest.mark.timeout(400)
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_dies_at_every_moment(crash_house: tuple[House, Crashes], buckets: Buckets, point: str) -> None:
    die_at(crash_house[1], buckets, point)


def die_at(crashes: Crashes, buckets: Buckets, point: str) -> None:
    crashes.hits.write_text("")
    crashes.arm(point)
    buckets.life()
    assert crashes.hit(point), f"{point} was never reached"


@pytest.mark.timeout(300)
def test_the_store_dies_while_a_bucket_is_made_and_used(crash_house: tuple[House, Crashes], buckets: Buckets) -> None:
    house, _ = crash_house
    kept = buckets.make()
    key = buckets.key(kept)
    buckets.client(key).put_object(Bucket=kept["bucket"], Key="k", Body=b"kept")
    name = f"mid-{os.getpid()}"
    assert house.cli("buckets", "create", name, "--no-wait").code == 0
    house.kill("objects")
    until(lambda: buckets.aif("show", name)["state"] == "available", DONE_SECONDS, "the bucket is not made")
    until(lambda: _reads(buckets.client(key), kept) == b"kept", DONE_SECONDS, "what was written is not there")
    for bucket in (name, kept["id"]):
        assert buckets.aif("delete", bucket, "--force")["state"] == "deleted"


def _reads(s3: Any, bucket: dict[str, Any]) -> bytes:
    try:
        return s3.get_object(Bucket=bucket["bucket"], Key="k")["Body"].read()
    except (ClientError, BotoCoreError):
        return b""
