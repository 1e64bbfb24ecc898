"""A gateway believes the CA that its token names and no other, and is enrolled wholly or not at all."""

import asyncio
import json
import os
import signal
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory_gateway.enrol import enrol
from aifactory_gateway.identity import GatewayIdentity
from aifactory_outpost.calls import CallFailed
from aifactory_outpost.identity import NotEnrolled, NotTrusted
from aifactory_protocol.enrolment import BadToken
from aifactory_sim.authority import Authority

NAME = "gw-test"
DIES = """
import os, signal, sys
from aifactory_gateway import __main__ as gateway
from aifactory_outpost import durable
left = int(sys.argv.pop(1))
def one_less():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def counted(do):
    def call(*args, **options):
        one_less()
        do(*args, **options)
        one_less()
    return call
durable.write, durable.remove = counted(durable.write), counted(durable.remove)
sys.exit(gateway.main())
"""
"""Dies before or after one of its writes; a folder that has a key is enrolled anew in four."""


@pytest.fixture
def identity(tmp_path):
    folder = tmp_path / "gateway"
    folder.mkdir(mode=0o700)
    return GatewayIdentity(folder)


async def run(*words: str, token: str = "", code: str = "") -> tuple[int, str]:
    """The command's exit code, and what it said."""
    program = ["-c", code] if code else ["-m", "aifactory_gateway"]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"AIF_BOOTSTRAP_TOKEN": token},
    )  # fmt: skip
    said, _ = await asyncio.wait_for(child.communicate(), 60)
    return child.returncode, said.decode()


def nothing_kept(identity: GatewayIdentity) -> bool:
    return not {path.name for path in identity.folder.iterdir()} & {"gateway.json", "cert.pem", "ca.pem"}


async def test_enrolling_keeps_an_identity_that_is_its_owners(trusted_control_plane, identity):
    made = await enrol(identity, trusted_control_plane.url, trusted_control_plane.token(), NAME)
    assert made == identity.enrolment()
    assert (made.gateway_id, made.gateway_name, made.url) == ("gw_test", NAME, trusted_control_plane.url)
    assert identity.ca_file.read_text() == trusted_control_plane.authority.pem
    assert identity.certificate().public_key() == identity.key().public_key()
    modes = {path.name: path.stat().st_mode & 0o777 for path in identity.folder.iterdir()}
    assert modes == dict.fromkeys(("key.pem", "cert.pem", "ca.pem", "gateway.json"), 0o600)


async def test_the_command_enrols_once_unless_it_is_forced(trusted_control_plane, tmp_path):
    folder, url = tmp_path / "state", trusted_control_plane.url
    words = ["enrol", f"--state-dir={folder}", f"--url={url}", f"--name={NAME}"]
    assert await run(*words, token=trusted_control_plane.token()) == (0, "enrolled as gw_test\n")
    assert folder.stat().st_mode & 0o777 == 0o700
    before = (folder / "cert.pem").read_text()
    assert await run(*words) == (0, "already enrolled as gw_test\n")
    assert (folder / "cert.pem").read_text() == before
    token_file = tmp_path / "token"
    token_file.write_text(trusted_control_plane.token() + "\n")
    assert (await run(*words, "--force", f"--token-file={token_file}"))[0] == 0
    assert (folder / "cert.pem").read_text() != before


async def test_without_a_token_or_an_address_it_is_a_wrong_call(tmp_path):
    code, said = await run("enrol", f"--state-dir={tmp_path}", "--url=https://127.0.0.1:1", f"--name={NAME}")
    assert code == 2 and "no bootstrap token" in said
    code, said = await run("enrol", f"--state-dir={tmp_path}", f"--name={NAME}")
    assert code == 2 and "--url" in said


async def test_a_control_plane_of_another_ca_hears_no_token(trusted_control_plane, identity):
    token = trusted_control_plane.token(Authority("another CA").fingerprint)
    with pytest.raises(NotTrusted, match="the token expects"):
        await enrol(identity, trusted_control_plane.url, token, NAME)
    assert not trusted_control_plane.bootstraps and nothing_kept(identity)


async def test_a_token_is_not_sent_where_others_can_read_it(control_plane, trusted_control_plane, identity):
    with pytest.raises(NotTrusted, match="not https"):
        await enrol(identity, control_plane.url, trusted_control_plane.token(), NAME)


@pytest.mark.parametrize("at", [3, 12, 45, 60, 100, 120])
async def test_a_token_with_a_changed_character_is_not_used(trusted_control_plane, identity, at):
    token = trusted_control_plane.token()
    changed = token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]
    with pytest.raises((BadToken, NotTrusted)):
        await enrol(identity, trusted_control_plane.url, changed, NAME)
    assert not trusted_control_plane.bootstraps and nothing_kept(identity)


async def test_a_token_works_once(trusted_control_plane, identity, tmp_path):
    token = trusted_control_plane.token()
    await enrol(identity, trusted_control_plane.url, token, NAME)
    before = identity.certificate_file.read_text()
    with pytest.raises(CallFailed) as failed:
        await enrol(identity, trusted_control_plane.url, token, NAME)
    assert failed.value.status == 401
    assert identity.certificate_file.read_text() == before and identity.enrolment()
    words = ["enrol", f"--state-dir={tmp_path / 'other'}", f"--url={trusted_control_plane.url}", f"--name={NAME}"]
    code, said = await run(*words, token=token)
    assert code == 1 and "401" in said and "Traceback" not in said


ANSWERS = {
    "another CA": ("shown_ca", lambda: Authority("another CA").pem),
    "no CA": ("shown_ca", lambda: "no certificate"),
    "a certificate for another key": ("certified", lambda: ec.generate_private_key(ec.SECP256R1()).public_key()),
    "a short pepper": ("pepper", lambda: "c2hvcnQ"),
    "a long pepper": ("pepper", lambda: "A" * 44),
    "a pepper cut in the middle of a byte": ("pepper", lambda: "A" * 41),
    "no pepper": ("pepper", lambda: ""),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("was_enrolled", [False, True])
async def test_an_answer_that_cannot_be_trusted_changes_nothing(trusted_control_plane, identity, answer, was_enrolled):
    url = trusted_control_plane.url
    if was_enrolled:
        await enrol(identity, url, trusted_control_plane.token(), NAME)
    before = {path.name: path.read_bytes() for path in identity.folder.iterdir()}
    name, made = ANSWERS[answer]
    setattr(trusted_control_plane, name, made())
    with pytest.raises(NotTrusted):
        await enrol(identity, url, trusted_control_plane.token(), NAME)
    after = {path.name: path.read_bytes() for path in identity.folder.iterdir() if path.name != "key.pem"}
    assert after == {name: data for name, data in before.items() if name != "key.pem"}


SOME, EVERY = [0, 3, 6, 7], list(range(8))


@pytest.mark.parametrize("steps", [SOME, pytest.param(EVERY, marks=pytest.mark.heavy)], ids=["some", "every"])
async def test_killed_between_its_writes_it_is_as_it_was_or_not_enrolled(trusted_control_plane, identity, steps):
    url, folder = trusted_control_plane.url, identity.folder
    for step in steps:
        before = await enrol(identity, url, trusted_control_plane.token(), NAME)
        words = [str(step), "enrol", "--force", f"--state-dir={folder}", f"--url={url}", "--name=gw-anew"]
        code, said = await run(*words, token=trusted_control_plane.token(), code=DIES)
        assert code == -signal.SIGKILL, said
        if step == 0:
            assert identity.enrolment() == before
        elif step == 7:
            assert identity.enrolment().gateway_name == "gw-anew"
        else:
            with pytest.raises(NotEnrolled, match="not enrolled"):
                identity.enrolment()
    if steps == EVERY:
        (folder / "gateway.json").unlink()
        assert (await run("run", f"--state-dir={folder}"))[0] == 3


async def test_a_damaged_identity_is_told_as_not_enrolled(trusted_control_plane, identity):
    await enrol(identity, trusted_control_plane.url, trusted_control_plane.token(), NAME)
    good = json.loads((identity.folder / "gateway.json").read_text())
    for bad in ("{", json.dumps(good | {"pepper": "c2hvcnQ"}), json.dumps({"url": good["url"]})):
        (identity.folder / "gateway.json").write_text(bad)
        with pytest.raises(NotEnrolled, match="enrol again"):
            identity.enrolment()
    (identity.folder / "gateway.json").write_text(json.dumps(good))
    identity.ca_file.unlink()
    code, said = await run("run", f"--state-dir={identity.folder}", "--port=0")
    assert code == 3 and "enrol again" in said
