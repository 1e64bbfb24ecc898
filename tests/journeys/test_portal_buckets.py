"""A bucket in a browser: made with a key whose secret is shown once, used by an S3 client, seen, revoked, deleted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from browser import Watched, chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("portal_buckets")]
STARTED_SECONDS = 90
MEASURED_MS = 90_000


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def bucket_house() -> Iterator[House]:
    house = House(slots=1, environment={"AIF_OBJECT_STORE": "seaweedfs"})
    try:
        yield house.up()
    finally:
        house.stop()


def test_a_bucket_from_the_first_click_to_its_end(bucket_house: House, chrome: Browser) -> None:
    bucket_house.login("demo@example.com")
    ready = lambda: bucket_house.cli("buckets", "create", "probe").code == 0  # noqa: E731
    until(ready, STARTED_SECONDS, "the object store does not come up")
    with visitor(chrome, bucket_house.url) as visit:
        visit.go("/signin?next=/buckets")
        sign_in(visit, "demo@example.com")
        s3, bucket = make_one_with_a_key(visit)
        content = os.urandom(5_000)  # which the store cannot compress
        s3.put_object(Bucket=bucket, Key="results", Body=content)
        assert s3.get_object(Bucket=bucket, Key="results")["Body"].read() == content
        see_its_use(visit)
        revoke_its_key(visit)
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            s3.list_objects_v2(Bucket=bucket)
        delete_it(visit)


def make_one_with_a_key(visit: Watched) -> tuple[Any, str]:
    page = visit.page
    page.get_by_role("button", name="Create bucket").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("from-portal")
    dialog.get_by_role("textbox", name="Quota").fill("50 MB")
    dialog.get_by_role("button", name="Create bucket").click()
    shell = page.get_by_role("region", name="AWS command line").inner_text()
    expect(page.get_by_role("region", name="Python")).to_contain_text("boto3")
    told = dict(re.findall(r"export (\w+)=(\S+)", shell))
    endpoint, bucket = re.search(r"--endpoint-url (\S+) s3 ls s3://(\S+)/", shell).groups()
    page.get_by_role("button", name="I have saved the key").click()
    expect(page.get_by_role("region", name="AWS command line")).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="from-portal")
    expect(row).to_contain_text("Available", timeout=30_000)
    row.get_by_role("link", name="from-portal").click()
    expect(page.get_by_role("table", name="Keys of this bucket")).to_contain_text("Active", timeout=30_000)
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
    return client, bucket


def see_its_use(visit: Watched) -> None:
    page = visit.page
    expect(page.get_by_text("of 50 MB")).to_be_visible()
    expect(page.get_by_text("5 kB").first).to_be_visible(timeout=MEASURED_MS)
    for theme in ("light", "dark"):
        visit.wear(theme)
        assert visit.violations() == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert visit.sideways() == 0
    page.set_viewport_size({"width": 1440, "height": 900})


def revoke_its_key(visit: Watched) -> None:
    page = visit.page
    page.get_by_role("button", name="Revoke first").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("first")
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No key yet")).to_be_visible(timeout=30_000)


def delete_it(visit: Watched) -> None:
    """Refused first, because it holds something; then with what is in it."""
    page = visit.page
    for force, outcome in ((False, "It holds something"), (True, "Deleted")):
        page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog")
        if force:
            dialog.get_by_role("checkbox").check()
        dialog.get_by_role("textbox").fill("from-portal")
        dialog.get_by_role("button", name="Delete").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_text(outcome).first).to_be_visible(timeout=60_000)
