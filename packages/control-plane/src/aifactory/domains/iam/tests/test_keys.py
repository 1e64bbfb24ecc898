"""API keys: shown once, stored as a keyed hash, scoped, expiring, revoked at once. SSH keys: read before they are kept."""

import asyncio
import base64

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aifactory.domains.iam import api_keys, projects, ssh_keys
from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.secret_token import kind_of, new_token
from aifactory.domains.iam.ssh_public_key import read_public_key
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Grant, Principal


async def test_the_secret_is_shown_once_and_a_replay_says_so(house):
    browser = await house.browser().sign_in("demo@example.com")
    again = {"Idempotency-Key": "the-same-key"}
    first = (await browser.act("POST", "/keys", {"name": "ci"}, again)).json()
    replay = await browser.act("POST", "/keys", {"name": "ci"}, again)
    assert kind_of(first["secret"]) == "key" and first["state"] == "active"
    assert replay.json()["secret"] is None and replay.json()["code"] == "secret_already_shown"
    assert replay.json()["id"] == first["id"]
    for text in ((await browser.get("/keys")).text, (await browser.get(f"/keys/{first['id']}")).text):
        assert first["secret"] not in text and "token_hash" not in text


async def test_the_database_holds_no_secret(house, owner_url):
    secret = (await (await house.browser().sign_in("demo@example.com")).act("POST", "/keys", {"name": "ci"})).json()[
        "secret"
    ]
    with psycopg.connect(owner_url) as owner:
        for table in ("iam.api_keys", "kernel.idempotency", "kernel.audit", "kernel.outbox"):
            rows = owner.execute(f"select t::text from {table} t".encode()).fetchall()
            assert rows and all(secret not in row[0] and secret[8:60] not in row[0] for row in rows), table


async def test_a_key_works_within_its_scopes_until_it_is_revoked(house):
    browser = await house.browser().sign_in("demo@example.com")
    made = (await browser.act("POST", "/keys", {"name": "reader", "scopes": ["viewer", "key.read"]})).json()
    stranger, bearer = house.browser(), {"Authorization": f"Bearer {made['secret']}"}
    assert (await stranger.get("/projects", headers=bearer)).status_code == 200
    refused = await stranger.act("POST", "/projects", {"name": "p"}, bearer)
    assert refused.status_code == 403 and "scopes of key" in refused.json()["detail"]
    shown = (await browser.get(f"/keys/{made['id']}")).json()
    assert shown["last_used_at"] is not None and shown["hint"] == made["secret"][:12]
    assert (await browser.act("DELETE", f"/keys/{made['id']}")).status_code == 204
    assert (await stranger.get("/projects", headers=bearer)).status_code == 401


async def test_a_key_makes_no_keys_so_that_none_is_left_when_it_is_revoked(house):
    browser = await house.browser().sign_in("demo@example.com")
    made = (await browser.act("POST", "/keys", {"name": "maker", "scopes": ["tenant_admin"]})).json()
    stranger, bearer = house.browser(), {"Authorization": f"Bearer {made['secret']}"}
    refused = await stranger.act("POST", "/keys", {"name": "x", "scopes": ["project.read"]}, bearer)
    assert refused.status_code == 403 and "keys make no keys" in refused.json()["detail"]
    assert "key.create" not in (await stranger.get("/auth/session", headers=bearer)).json()["permissions"]


async def test_a_key_of_one_project_reaches_nothing_else_of_the_tenant(house):
    browser = await house.browser().sign_in("demo@example.com")
    project = (await browser.act("POST", "/projects", {"name": "narrow"})).json()["id"]
    wanted = {"name": "ci", "scopes": ["tenant_admin"], "project_id": project}
    bearer = {"Authorization": f"Bearer {(await browser.act('POST', '/keys', wanted)).json()['secret']}"}
    stranger = house.browser()
    assert [p["id"] for p in (await stranger.get("/projects", headers=bearer)).json()["items"]] == [project]
    assert {q["project_id"] for q in (await stranger.get("/quotas", headers=bearer)).json()["items"]} == {project}
    assert (await stranger.get("/audit", headers=bearer)).status_code == 403
    assert (await stranger.act("POST", "/projects", {"name": "wider"}, bearer)).status_code == 403
    member = {"email": "other@example.com", "role": "viewer"}
    assert (await stranger.act("POST", "/members", member, bearer)).status_code == 403
    assert (await stranger.act("POST", "/members", member | {"project_id": project}, bearer)).status_code != 403


async def test_a_key_of_one_project_neither_sees_nor_revokes_other_keys_of_its_person(house):
    browser = await house.browser().sign_in("demo@example.com")
    project = (await browser.act("POST", "/projects", {"name": "narrow"})).json()["id"]
    wide = (await browser.act("POST", "/keys", {"name": "wide"})).json()
    narrow = (await browser.act("POST", "/keys", {"name": "narrow", "project_id": project})).json()
    stranger, bearer = house.browser(), {"Authorization": f"Bearer {narrow['secret']}"}
    assert [key["id"] for key in (await stranger.get("/keys", headers=bearer)).json()["items"]] == [narrow["id"]]
    assert (await stranger.get(f"/keys/{wide['id']}", headers=bearer)).status_code == 404
    assert (await stranger.act("DELETE", f"/keys/{wide['id']}", None, bearer)).status_code == 404
    assert (await browser.get(f"/keys/{wide['id']}")).json()["state"] == "active"
    assert (await stranger.act("DELETE", f"/keys/{narrow['id']}", None, bearer)).status_code == 204


@pytest.mark.parametrize("role", ["viewer", "billing_viewer"])
async def test_who_lost_the_right_to_make_keys_can_still_revoke_their_own(house, owner_url, role):
    browser = await house.browser().sign_in("demo@example.com")
    made = (await browser.act("POST", "/keys", {"name": "old"})).json()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        subject = f"user:{iam.DEMO.user_id}"
        owner.execute(
            "update iam.relations set removed_at = kernel.now() where subject = %s and project_id is not null",
            (subject,),
        )
        owner.execute(
            "update iam.relations set relation = %s where subject = %s and project_id is null", (role, subject)
        )
    assert [key["id"] for key in (await browser.get("/keys")).json()["items"]] == [made["id"]]
    assert (await browser.act("POST", "/keys", {"name": "new"})).status_code == 403
    assert (await browser.act("DELETE", f"/keys/{made['id']}")).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "a\x00b"},
        {"name": "k", "scopes": ["root"]},
        {"name": "k", "scopes": ["key.create"]},
        {"name": "k", "scopes": ["platform_admin"]},
        {"name": "k", "scopes": ["platform.node.read"]},
        {"name": "k", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "k", "expires_at": "2199-01-01T00:00:00Z"},
        {"name": "k", "expires_at": "2030-01-01T00:00:00"},
        {"name": "k", "admin": True},
    ],
)
async def test_a_senseless_key_is_refused(house, body):
    browser = await house.browser().sign_in("demo@example.com")
    answer = await browser.act("POST", "/keys", body)
    assert answer.status_code == 422, answer.text


async def test_an_expired_key_is_refused(house, owner_url):
    made = (await (await house.browser().sign_in("demo@example.com")).act("POST", "/keys", {"name": "ci"})).json()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("update iam.api_keys set expires_at = kernel.now() - interval '1 second'")
    answer = await house.browser().get("/projects", headers={"Authorization": f"Bearer {made['secret']}"})
    assert answer.status_code == 401


def test_a_mistyped_token_is_known_without_the_database():
    token = new_token("key")
    assert kind_of(token) == "key" and token.startswith("aif_key_")
    for wrong in (
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        token.replace("aif_key", "aif_cli"),
        token.upper(),
        token + "\n",
        "",
    ):
        assert kind_of(wrong) is None


async def test_a_command_line_signs_in_once_approved(house):
    cli, browser = house.browser(), await house.browser().sign_in("demo@example.com")
    begun = (await cli.send("POST", "/api/v3/auth/device", json={})).json()
    ask = {"device_code": begun["device_code"]}

    async def poll():
        return await cli.send("POST", "/api/v3/auth/device/token", json=ask)

    assert (await poll()).json()["code"] == "authorization_pending"
    assert (await poll()).json()["code"] == "slow_down"
    code = begun["user_code"].lower().replace("-", " ")
    assert (
        await browser.act("POST", "/auth/device/approve", {"user_code": code}, {"X-CSRF-Token": ""})
    ).status_code == 403
    assert (await browser.act("POST", "/auth/device/approve", {"user_code": code})).status_code == 204
    answers = await asyncio.gather(*(poll() for _ in range(5)))
    tokens = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(tokens) == 1 and tokens[0]["email"] == "demo@example.com"
    bearer = {"Authorization": f"Bearer {tokens[0]['token']}"}
    assert (await cli.act("POST", "/projects", {"name": "from-cli"}, bearer)).status_code == 201
    assert (await poll()).json()["code"] == "expired_token"
    assert (await cli.act("POST", "/auth/logout", None, bearer)).status_code == 204
    assert (await cli.get("/projects", headers=bearer)).status_code == 401


async def test_a_declined_or_unknown_code_signs_nobody_in(house):
    cli, browser = house.browser(), await house.browser().sign_in("demo@example.com")
    begun = (await cli.send("POST", "/api/v3/auth/device", json={})).json()
    assert (await browser.act("POST", "/auth/device/deny", {"user_code": begun["user_code"]})).status_code == 204
    answer = await cli.send("POST", "/api/v3/auth/device/token", json={"device_code": begun["device_code"]})
    assert answer.status_code == 400 and answer.json()["code"] == "access_denied"
    assert (await browser.act("POST", "/auth/device/approve", {"user_code": "BBBB-BBBB"})).status_code == 404
    assert (await cli.act("POST", "/auth/device/approve", {"user_code": "BBBB-BBBB"})).status_code == 401


def line(key) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture(scope="module")
def keys():
    return {
        "ed25519": line(ed25519.Ed25519PrivateKey.generate()),
        "p256": line(ec.generate_private_key(ec.SECP256R1())),
        "p521": line(ec.generate_private_key(ec.SECP521R1())),
        "rsa3072": line(rsa.generate_private_key(65537, 3072)),
        "rsa2048": line(rsa.generate_private_key(65537, 2048)),
    }


@pytest.mark.parametrize("name", ["ed25519", "p256", "p521", "rsa3072"])
def test_good_ssh_keys_are_read(keys, name):
    read = read_public_key(f"  {keys[name]} ada@laptop home\n")
    assert read.line == keys[name] and read.comment == "ada@laptop home" and read.fingerprint.startswith("SHA256:")


def test_bad_ssh_keys_are_refused_with_a_reason(keys):
    kind, blob = keys["ed25519"].split()
    p256 = keys["p256"].split()[1]
    wrong = [
        "", "hello", kind, f"{kind} !!!", f"{kind} {blob[:-8]}", f"{kind} {p256}", f"ssh-dss {blob}", keys["rsa2048"],
        f'command="rm -rf /" {kind} {blob}', f"{kind} {blob}\n{kind} {blob}", f"{kind} {blob} a\x00b", "x" * 5000,
        "-----BEGIN OPENSSH PRIVATE KEY-----", f"{kind} " + base64.b64encode(b"\0" * 60).decode(),
        f"sk-ssh-ed25519@openssh.com {blob}",
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(Problem) as refused:
            read_public_key(text)
        assert refused.value.code == "invalid_ssh_key" and refused.value.field == "public_key"


async def test_an_ssh_key_is_kept_once_for_each_tenant(house, keys):
    demo, other = await house.browser().sign_in("demo@example.com"), await house.browser().sign_in("other@example.com")
    body = {"name": "laptop", "public_key": keys["ed25519"] + " ada@laptop"}
    made = (await demo.act("POST", "/ssh-keys", body)).json()
    assert made["public_key"] == keys["ed25519"] and made["state"] == "active"
    twin = await demo.act("POST", "/ssh-keys", body | {"name": "another"})
    assert twin.status_code == 409 and twin.json()["id"] == made["id"]
    assert (await demo.act("POST", "/ssh-keys", {"name": "laptop", "public_key": keys["p256"]})).status_code == 409
    assert (await other.act("POST", "/ssh-keys", body)).status_code == 201
    assert (await other.get(f"/ssh-keys/{made['id']}")).status_code == 404
    assert (await demo.act("DELETE", f"/ssh-keys/{made['id']}")).status_code == 204
    assert (await demo.act("POST", "/ssh-keys", body)).status_code == 201


async def test_launches_that_bring_the_same_key_at_once_share_it(house, keys):
    """And launches that bring different keys under one name each get their own."""
    session = (await (await house.browser().sign_in("demo@example.com")).get("/auth/session")).json()
    tenant = session["tenant"]["id"]
    launcher = Principal(
        session["principal"]["id"], "user", "demo", tenant, (Grant("tenant_admin", f"tenant:{tenant}"),)
    )

    async def brought(kind: str) -> str:
        async with house.database.tx("tenant", launcher, tenant) as tx:
            return (await iam.ensure_ssh_key(tx, "laptop", keys[kind])).id

    made = await asyncio.gather(*map(brought, ["ed25519"] * 6 + ["p256", "rsa3072"]))
    assert len(set(made[:6])) == 1 and len(set(made)) == 3


async def test_who_works_in_one_project_removes_no_ssh_key_of_others(house, keys, database):
    """SSH keys are the whole tenant's: a colleague elsewhere in it relies on theirs."""
    demo = await house.browser().sign_in("demo@example.com")
    project = (await demo.act("POST", "/projects", {"name": "narrow"})).json()["id"]
    theirs = (await demo.act("POST", "/ssh-keys", {"name": "admin", "public_key": keys["ed25519"]})).json()
    grants = (Grant("member", f"project:{project}"),)
    guest = Principal("usr_guest", "user", "guest", iam.DEMO.tenant_id, grants)
    async with database.tx("tenant", guest, guest.tenant_id) as tx:
        own = await iam.create_ssh_key(tx, "guest", keys["p256"])
        with pytest.raises(Problem) as refused:
            await iam.delete_ssh_key(tx, theirs["id"])
        assert (refused.value.status, refused.value.code) == (403, "forbidden")
        await iam.delete_ssh_key(tx, own.id)
        assert [key.id for key in await iam.list_ssh_keys(tx, Page())] == [theirs["id"]]
        brought = await iam.ensure_ssh_key(tx, "with a launch", keys["p521"])
        assert brought.created_by == guest.id
    viewer = Principal("usr_viewer", "user", "viewer", iam.DEMO.tenant_id, (Grant("viewer", f"project:{project}"),))
    async with database.tx("tenant", viewer, viewer.tenant_id) as tx:
        with pytest.raises(Problem) as refused:
            await iam.ensure_ssh_key(tx, "with a launch", keys["rsa3072"])
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("module", "name", "path", "code"),
    [
        (projects, "MOST", "/projects", "too_many_projects"),  # beside the default one, so the second is too many
        (api_keys, "MOST", "/keys", "too_many_keys"),
        (ssh_keys, "MOST", "/ssh-keys", "too_many_ssh_keys"),
    ],
)
async def test_a_tenant_makes_only_so_many_of_each(house, keys, monkeypatch, module, name, path, code):
    """Each costs a row, and a project brings quotas of its own."""
    monkeypatch.setattr(module, name, 2)
    browser, kinds = await house.browser().sign_in("demo@example.com"), ["ed25519", "p256", "p521"]
    answers = []
    for kind in kinds:
        body = {"name": kind} | ({"public_key": keys[kind]} if path == "/ssh-keys" else {})
        answers.append(await browser.act("POST", path, body))
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (409, code) and refused.json()["todo"]
    made = answers[0].json()
    gone = await browser.act("DELETE", f"{path}/{made['id']}")
    assert gone.status_code == 204
    assert (await browser.act("POST", path, body)).status_code == 201
