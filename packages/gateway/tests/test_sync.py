"""What the gateway knows, may spend and has carried, while its control plane is there, away, and back again."""

import asyncio
import time

import pytest

from aifactory_gateway import treasury
from aifactory_gateway.budget import FEMTOS_PER_NANO


async def until(holds, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def test_it_serves_as_soon_as_it_knows_and_a_revoked_key_is_refused_within_a_second(world):
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
        world.knows()
        revoked = time.monotonic()
        await until(lambda: gateway.catalogue.snapshot.version == 2)
        assert await world.ask() == (401, "invalid_api_key")
        assert time.monotonic() - revoked < 1


async def test_each_record_is_booked_once_though_replies_are_lost(world, control_plane, setup):
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
        control_plane.loses_replies = True
        for _ in range(3):
            assert await world.ask() == (200, "")
        await until(lambda: control_plane.told > 4)
        control_plane.loses_replies = False
        await until(lambda: gateway.spool.delivered == gateway.spool.end)
    counted = {id: (one.tokens_in, one.tokens_out) for id, one in setup.upstream.counted.items()}
    assert {id: (one.tokens_in, one.tokens_out) for id, one in control_plane.booked.items()} == counted


async def test_it_goes_on_alone_for_as_long_as_it_was_told_and_no_longer(world, control_plane):
    ahead = 0.0
    async with world.running(wall=lambda: time.time() + ahead) as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
        control_plane.is_away = True
        await asyncio.sleep(0.1)
        assert await world.ask() == (200, "")
        ahead = control_plane.recheck_seconds - 5.0
        assert await world.ask() == (200, "")
        ahead = control_plane.recheck_seconds + 1.0
        assert await world.ask() == (503, "control_plane_lost")
        control_plane.is_away = False
        ahead = 0.0
        await until(lambda: gateway.spool.delivered == gateway.spool.end, 8)
    assert len(control_plane.booked) == 3


async def test_it_starts_from_what_it_knew_and_spends_no_lease_twice(world, control_plane, setup):
    control_plane.lease_nanos = control_plane.nanos = setup.cost(6, 5) * 2 + setup.cost(400, 5)
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
    control_plane.is_away = True
    async with world.running() as gateway:
        lease = gateway.budgets.open_leases()[0]
        assert lease.amount - lease.free == setup.cost(6, 5) * FEMTOS_PER_NANO
        assert await world.ask() == (200, "")
        await until(lambda: not gateway.journal.running)
        free = lease.free
    control_plane.is_away = False
    async with world.running() as gateway:
        assert gateway.budgets.open_leases()[0].free == free
        await until(lambda: len(control_plane.booked) == 2)


async def test_a_lease_is_not_given_back_before_its_last_record_is_told(world, control_plane):
    control_plane.lease_seconds = 3600
    ahead = 0.0
    async with world.running(wall=lambda: time.time() + ahead) as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        gateway.record_soon = lambda: None  # as if it had ended just now
        assert await world.ask() == (200, "")
        await until(lambda: not gateway.journal.running)
        gateway.trusted_until = float("inf")
        ahead = 3601.0
        await until(lambda: control_plane.returned)
        assert len(control_plane.booked) == 1


async def test_without_credit_it_is_402_and_the_account_is_not_asked_for_at_every_request(world, control_plane):
    control_plane.nanos = 10
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (402, "insufficient_credit")
        control_plane.nanos = 10**12
        assert await world.ask() == (402, "insufficient_credit")
        await asyncio.sleep(treasury.REFUSED_SECONDS)
        assert await world.ask() == (200, "")


async def test_a_hundred_at_once_ask_for_one_lease(world, control_plane):
    control_plane.lease_nanos = 10**12
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert set(await asyncio.gather(*(world.ask() for _ in range(50)))) == {(200, "")}
    assert len(control_plane.leases) == 1


async def test_while_the_account_cannot_be_asked_for_it_is_503(world, control_plane):
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        control_plane.is_away = True
        assert await world.ask() == (503, "control_plane_lost")


async def test_a_lease_that_has_run_out_is_given_back_once_its_records_are_told(world, control_plane):
    control_plane.lease_seconds = 0.6
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
        await until(lambda: control_plane.returned)
        assert len(control_plane.booked) == 1
        await asyncio.sleep(1)
    assert sorted(control_plane.returned) == sorted(control_plane.leases)
    assert len(control_plane.leases) <= 2


@pytest.mark.parametrize("leases", [1, 3])
async def test_three_gateways_never_spend_more_than_their_leases(world, control_plane, setup, leases):
    """One after another over the same account; each asks for what is left."""
    control_plane.lease_nanos = setup.cost(400, 5)
    control_plane.nanos = setup.cost(400, 5) * leases
    granted = control_plane.nanos
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        answers = await asyncio.gather(*(world.ask() for _ in range(30)))
        await until(lambda: gateway.spool.delivered == gateway.spool.end and not gateway.journal.running)
    spent = sum(setup.cost(one.tokens_in, one.tokens_out) for one in control_plane.booked.values())
    assert 0 < spent <= granted and {status for status, _ in answers} <= {200, 402}
