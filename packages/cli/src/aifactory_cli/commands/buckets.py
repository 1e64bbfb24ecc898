"""`aif buckets list|create|show|delete` and `aif buckets keys create|list|revoke`: object storage by the S3 protocol."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import click

from aifactory_cli import views
from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands.resources import limit_option, name_argument, name_option, project_id, project_option
from aifactory_cli.failure import Exit, Failure, usage
from aifactory_cli.inputs import one_name
from aifactory_cli.lookup import find
from aifactory_cli.output import show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session

PATH = "/buckets"
BYTES = {"mb": 10**6, "gb": 10**9, "tb": 10**12}
wait_option = click.option("--wait/--no-wait", default=True, show_default=True, help="Return when it is done.")
timeout_option = click.option(
    "--timeout", "timeout_seconds", type=click.FloatRange(0.1, 86400), default=120.0, show_default=True,
    help="Seconds to wait at most.",
)  # fmt: skip


@click.group(cls=AifGroup)
def buckets() -> None:
    """Object storage for any S3 client."""


@buckets.command("list")
@limit_option
@pass_session
def list_buckets(session: Session, limit: int) -> None:
    """List them."""
    empty = "No buckets yet. Make one: aif buckets create NAME --quota 10GB"
    show_list(session, session.api.listing(PATH, limit), views.BUCKETS, empty=empty)


@buckets.command()
@click.argument("which", metavar="ID|NAME")
@pass_session
def show(session: Session, which: str) -> None:
    """Show one, with what it holds and what went through it."""
    show_one(session, _bucket(session, which), views.BUCKET)


@buckets.command()
@name_argument
@name_option
@click.option("--quota", metavar="SIZE", default="10GB", show_default=True, help="How much it may hold, like 500MB.")
@click.option("--region", metavar="REGION", help="Where.")
@click.option("--versioning", is_flag=True, help="Keep overwritten and deleted objects; they count as stored.")
@project_option
@wait_option
@timeout_option
@pass_session
def create(
    session: Session, argument: str | None, option: str | None, quota: str, region: str | None, versioning: bool,
    project: str | None, wait: bool, timeout_seconds: float,
) -> None:  # fmt: skip
    """Make a bucket; then a key to it: aif buckets keys create BUCKET."""
    body = {
        "name": one_name(argument, option, "bucket"),
        "quota_bytes": _bytes(quota),
        "region_id": region,
        "versioning": versioning,
        "project_id": project_id(session, project),
    }
    item = session.api.post(PATH, body)
    if wait:
        item = _until(session, f"{PATH}/{item['id']}", lambda it: it.get("state") == "available", timeout_seconds)
    show_done(session, item, f"Created bucket {item.get('name')} ({item.get('id')}), {item.get('state')}.")


@buckets.command()
@click.argument("which", metavar="ID|NAME")
@click.option("--force", is_flag=True, help="Also delete what is in it, all versions.")
@wait_option
@timeout_option
@pass_session
def delete(session: Session, which: str, force: bool, wait: bool, timeout_seconds: float) -> None:
    """Delete a bucket and its keys. One that holds something stays, unless --force is given."""
    found = _bucket(session, which)
    path = f"{PATH}/{found['id']}"
    item = session.api.delete(f"{path}?force=true" if force else path)
    if wait:
        before = found.get("generation") or 0
        item = _until(session, path, lambda it: it.get("state") == "deleted" or _stays(it, before), timeout_seconds)
        if item.get("state") != "deleted":
            title = f"Bucket {item.get('name')} is not empty"
            todo = f"Empty it, or delete it with all it holds: aif buckets delete {item.get('name')} --force"
            raise Failure(Exit.REFUSED, "bucket_not_empty", title, "", todo)
    show_done(session, item, f"Deleted bucket {found.get('name')} ({found['id']}).")


@buckets.group(cls=AifGroup)
def keys() -> None:
    """Keys with which S3 clients open a bucket."""


@keys.command("list")
@click.argument("which", metavar="BUCKET")
@limit_option
@pass_session
def list_keys(session: Session, which: str, limit: int) -> None:
    """List the keys of a bucket."""
    path = f"{PATH}/{_bucket(session, which)['id']}/keys"
    empty = f"No keys yet. Make one: aif buckets keys create {which}"
    show_list(session, session.api.listing(path, limit), views.BUCKET_KEYS, empty=empty)


@keys.command("create")
@click.argument("which", metavar="BUCKET")
@click.option("--name", default="key", show_default=True, help="What to call it.")
@click.option("--read-only", is_flag=True, help="It may list and read, nothing else.")
@wait_option
@timeout_option
@pass_session
def create_key(session: Session, which: str, name: str, read_only: bool, wait: bool, timeout_seconds: float) -> None:
    """Make a key to a bucket. Its secret is shown once, now."""
    bucket = _bucket(session, which)
    body = {"name": name, "mode": "read_only" if read_only else "read_write"}
    item = session.api.post(f"{PATH}/{bucket['id']}/keys", body)
    if not item.get("secret_access_key"):
        title = "The key was made, but its secret was lost on the way"
        todo = f"Revoke it and make another: aif buckets keys revoke {which} {item.get('id')}"
        raise Failure(Exit.UNEXPECTED, "secret_already_shown", title, "", todo)
    if wait:
        path = f"{PATH}/{bucket['id']}/keys/{item['id']}"
        item |= _until(session, path, lambda it: it.get("state") == "active", timeout_seconds)
    if session.output != "table":
        show_done(session, item, "")
        return
    show_one(session, item, views.NEW_BUCKET_KEY)
    click.echo("Keep the secret: it is not shown again. With the AWS command line:", err=True)
    click.echo(f"  aws --endpoint-url {item.get('endpoint')} s3 ls s3://{item.get('bucket')}/", err=True)


@keys.command("revoke")
@click.argument("which", metavar="BUCKET")
@click.argument("key", metavar="KEY-ID")
@wait_option
@timeout_option
@pass_session
def revoke_key(session: Session, which: str, key: str, wait: bool, timeout_seconds: float) -> None:
    """Take a key from a bucket; returns once the store knows it no more."""
    path = f"{PATH}/{_bucket(session, which)['id']}/keys"
    found = find(session.api, path, "bucket key", key)
    item = session.api.delete(f"{path}/{found['id']}")
    if wait:
        item = _until(session, f"{path}/{found['id']}", lambda it: it.get("state") == "revoked", timeout_seconds)
    show_done(session, item, f"Revoked key {found.get('name')} ({found['id']}).")


def _bucket(session: Session, which: str) -> dict[str, Any]:
    return find(session.api, PATH, "bucket", which)


def _stays(item: dict[str, Any], generation_before: int) -> bool:
    """It was looked at, found to hold something, and is available again."""
    refused = any(c.get("type") == "Deletable" and c.get("status") == "False" for c in item.get("conditions") or [])
    settled = (item.get("generation") or 0) >= generation_before + 3  # wished, begun, turned back
    return bool(item.get("state") == "available" and refused and settled)


def _until(
    session: Session, path: str, done: Callable[[dict[str, Any]], bool], timeout_seconds: float
) -> dict[str, Any]:
    ends = time.monotonic() + timeout_seconds
    while True:
        item: dict[str, Any] = session.api.get(path)
        if done(item):
            return item
        if time.monotonic() >= ends:
            title = f"Not done within {timeout_seconds:g} s; it is {item.get('state')}"
            raise Failure(Exit.TIMED_OUT, "timed_out", title, "", "It goes on without you: look again, or wait longer.")
        time.sleep(0.3)


def _bytes(given: str) -> int:
    match = re.fullmatch(r"(\d{1,6})\s*(mb|gb|tb)", given.strip(), re.IGNORECASE)
    if match is None or int(match[1]) < 1:
        raise usage("quota_bytes", f"{given!r} is not a size", "Write it like 500MB, 10GB or 2TB.", "invalid_size")
    return int(match[1]) * BYTES[match[2].lower()]
