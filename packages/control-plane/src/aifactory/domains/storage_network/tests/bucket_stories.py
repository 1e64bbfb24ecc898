"""The language of the bucket tests: a tenant, a worker, the real object store between them."""

import asyncio
import os
from contextlib import asynccontextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from aifactory.domains.iam import facade as iam
from aifactory.domains.storage_network import facade
from aifactory.domains.storage_network.adapters.configured import configured_store
from aifactory.domains.storage_network.flows.keep_bucket import KeepBucket
from aifactory.domains.storage_network.flows.keep_bucket_key import KeepBucketKey
from aifactory.domains.storage_network.measuring import look_at_store, measure
from aifactory.domains.storage_network.ports import OBJECT_STORE
from aifactory.kernel.flow_runner import FlowRunner
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal

DEMO, OTHER = iam.SEEDED_TENANTS[:2]


class MovedDatabase:
    """The test's database, in which it is `seconds` later than it is."""

    def __init__(self, database):
        self._database = database
        self.ids, self.wakeups = database.ids, database.wakeups
        self.seconds = 0

    @asynccontextmanager
    async def tx(self, *about, **named):
        async with self._database.tx(*about, **named) as tx:
            await tx.run("select set_config('aif.clock_offset', %s, true)", (f"{self.seconds} seconds",))
            yield tx


class Stories:
    """`database` is this test's own; `server` the session's."""

    def __init__(self, database, server):
        self.database = MovedDatabase(database)
        self.server = server
        self.store = configured_store(server.settings)

    def tx(self, role="worker", tenant=DEMO, who=None):
        return self.database.tx(role, who or Principal.service("test"), tenant)

    # -- the tenant

    async def asks_for_a_bucket(self, name="data", quota_bytes=10_000_000, tenant=DEMO, **more):
        async with self.tx(tenant=tenant) as tx:
            return await facade.create_bucket(tx, facade.NewBucket(name, quota_bytes, "local", **more))

    async def has_a_bucket(self, name="data", quota_bytes=10_000_000, tenant=DEMO, **more):
        made = await self.asks_for_a_bucket(name, quota_bytes, tenant, **more)
        await self.worker_works()
        return await self.shows(made.id, tenant)

    async def has_a_key(self, bucket, mode="read_write", tenant=DEMO, name="key"):
        async with self.tx(tenant=tenant) as tx:
            made = await facade.create_bucket_key(tx, bucket.id, name, mode)
        await self.worker_works()
        return made

    async def shows(self, bucket_id, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            return await facade.show_bucket(tx, bucket_id)

    async def shows_key(self, key, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            return await facade.bucket_key(tx, key.bucket_id, key.id)

    async def lists_keys(self, bucket):
        async with self.tx() as tx:
            return await facade.list_bucket_keys(tx, bucket.id, Page())

    async def deletes(self, bucket, force=False, tenant=DEMO):
        async with self.tx(tenant=tenant) as tx:
            await facade.delete_bucket(tx, bucket.id, force=force)
        await self.worker_works()
        return await self.shows(bucket.id, tenant)

    async def revokes(self, key):
        async with self.tx() as tx:
            await facade.revoke_bucket_key(tx, key.bucket_id, key.id)
        await self.worker_works()
        return await self.shows_key(key)

    async def quota(self):
        async with self.tx() as tx:
            used = {q.resource: q.used for q in await iam.quota_usage(tx)}
        return used.get("buckets", 0), used.get("bucket_gb", 0)

    def client(self, key, service="s3"):
        """What the tenant's programs use."""
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 6}, s3={"addressing_style": "path"}, proxies={}),
        )

    # -- the worker

    def runner(self, store=None):
        return FlowRunner(self.database, [KeepBucket, KeepBucketKey], "w1", {OBJECT_STORE: store or self.store})

    async def worker_works(self, store=None):
        """Everything that is due, and what a pause of a second would bring."""
        for _ in range(20):
            await self.runner(store).run_until_idle()
            async with self.tx() as tx:
                waits = await tx.run(
                    "update kernel.flows set wake_at = kernel.now() "
                    "where not ended and wake_at < kernel.now() + interval '2 seconds'"
                )
            if not waits:
                return

    async def looks_at_its_store(self):
        await look_at_store(self.database, self.store)

    async def time_passes(self, seconds):
        self.database.seconds += seconds
        await self.looks_at_its_store()

    async def measures(self, seconds=0):
        """So much later."""
        await self.time_passes(seconds)
        await measure(self.database, self.store)
        await self.worker_works()

    async def server_reads(self, s3, bucket):
        """Once: a server that has just come up finds its volumes a little later."""
        for _ in range(100):
            try:
                return s3.get_object(Bucket=bucket.bucket, Key="k")["Body"].read()
            except ClientError:
                await asyncio.sleep(0.3)
        raise AssertionError("the server does not find what it held")

    async def server_erased(self, bucket):
        """The server erases what was deleted a little later, and counts it until then."""
        for _ in range(300):
            held = (await self.store.usage()).get(bucket.bucket)
            if held is None or held.bytes_stored < 100_000:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the server still counts what was deleted")

    async def events(self, kind):
        async with self.tx("operator") as tx:
            rows = await tx.all("select payload from kernel.outbox where type = %s order by occurred_at", (kind,))
        return [row[0] for row in rows]


def random_bytes(size):
    """What no server can compress."""
    return os.urandom(size)
