"""A gateway's certificate is renewed before it ends, and its end stops nothing that may still go on."""

import asyncio
import logging
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory_gateway import renewal


async def until(holds, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(renewal, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(renewal, "SAY_SECONDS", 0.1)


def show(world, seconds: float) -> None:
    """A certificate that began a minute before now takes the place of the gateway's."""
    pem = world.control_plane.authority.issue(world.identity.key().public_key(), "gw_test", seconds)
    world.identity.keep_certificate(pem, world.control_plane.authority.pem)


def shown(world) -> str:
    """The number of the certificate in use, as the other side sees it."""
    number = f"{world.identity.certificate().serial_number:X}"
    return number if len(number) % 2 == 0 else f"0{number}"


async def test_a_certificate_is_renewed_after_two_thirds_and_no_call_under_way_is_lost(enrolled_world, caplog):
    world, control_plane = enrolled_world, enrolled_world.control_plane
    caplog.set_level(logging.INFO, renewal.__name__)
    show(world, seconds=20)
    control_plane.may_lease.clear()
    control_plane.may_renew.clear()
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        asking = asyncio.create_task(world.ask())
        await until(lambda: control_plane.leases)
        before = world.identity.certificate()
        control_plane.may_renew.set()
        await until(lambda: world.identity.certificate() != before)
        await asyncio.sleep(0.1)
        assert not asking.done()
        control_plane.may_lease.set()
        assert await asking == (200, "")
        await until(lambda: shown(world) in control_plane.serials)
        await until(lambda: control_plane.booked)
    assert (control_plane.renewals, len(control_plane.leases)) == (1, 1)
    assert [record.message for record in caplog.records if "renewed" in record.message]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_renewal_that_fails_is_tried_again_and_a_foreign_certificate_is_not_taken(enrolled_world, caplog):
    world, control_plane = enrolled_world, enrolled_world.control_plane
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        control_plane.certified = ec.generate_private_key(ec.SECP256R1()).public_key()
        show(world, seconds=20)
        before = world.identity.certificate()
        await until(lambda: control_plane.renewals > 1)
        assert world.identity.certificate() == before
        control_plane.certified = None
        await until(lambda: world.identity.certificate() != before)
        assert await world.ask() == (200, "")
    assert "not for this gateway's key" in caplog.text


async def test_with_a_certificate_that_ran_out_it_serves_what_it_knows_and_says_so(enrolled_world, caplog):
    world, control_plane = enrolled_world, enrolled_world.control_plane
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        assert await world.ask() == (200, "")
    show(world, seconds=-1)
    heard = len(control_plane.serials)
    async with world.running() as gateway:
        assert await world.ask() == (200, "")
        await until(lambda: caplog.text.count("enrol again with a new bootstrap token") > 2)
        assert len(control_plane.serials) == heard
        await world.enrol()  # beside it, as an operator does
        await until(lambda: shown(world) in control_plane.serials)
        await until(lambda: len(control_plane.booked) == 2)
        gateway.trusted_until = 0.0
        await until(lambda: gateway.trusted_until > 0)
        assert await world.ask() == (200, "")


@pytest.mark.parametrize("knows", [True, False])
async def test_with_an_expired_certificate_it_starts_as_long_as_it_knows_something(enrolled_world, knows):
    world = enrolled_world
    if knows:
        async with world.running() as gateway:
            await until(lambda: gateway.catalogue.snapshot.version)
    show(world, seconds=-1)
    words = [sys.executable, "-m", "aifactory_gateway", "run", f"--state-dir={world.folder}", "--port=0"]
    with (world.folder / "log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=log)
        try:
            line = await asyncio.wait_for(child.stdout.readline(), 20)
            assert line.startswith(b"gateway http://")
            await until(lambda: "enrol again" in (world.folder / "log").read_text())
            if knows:
                child.terminate()
            await asyncio.wait_for(child.wait(), 40)
        finally:
            if child.returncode is None:
                child.kill()
    assert child.returncode == (0 if knows else 3) and "Traceback" not in (world.folder / "log").read_text()


async def test_enrolled_where_keys_are_hashed_otherwise_it_asks_to_be_started_again(enrolled_world, caplog):
    world, control_plane = enrolled_world, enrolled_world.control_plane
    async with world.running() as gateway:
        await until(lambda: gateway.catalogue.snapshot.version)
        control_plane.pepper = "A" * 43
        await world.enrol()
        await until(lambda: "start it again" in caplog.text)
        assert await world.ask() == (200, "")
