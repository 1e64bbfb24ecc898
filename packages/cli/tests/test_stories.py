"""What people do with the command line, against a host that plays its part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ALLOCATION = {
    "id": "alloc_" + "a" * 26, "name": "dev", "state": "active", "sku": "local.cpu.1", "region_id": "local",
    "running_cost": {"amount": "0.01", "currency": "EUR"}, "price": {"amount": "0.12", "currency": "EUR"},
    "volumes": [{"id": "vol_x", "name": "data", "size_gb": 1, "mount_path": "/volumes/data"}], "conditions": [],
    "access": {"ssh": {"host": "127.0.0.1", "port": 4022, "user": "tenant", "host_key": "ssh-ed25519 AAAAC3 door"}},
}  # fmt: skip
PATH = f"/allocations/{ALLOCATION['id']}"
DEVICE = {
    "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": "http://x/device", "interval_seconds": 0.01,
    "expires_in_seconds": 5,
}  # fmt: skip


def listing(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None}


def a_development_issuer(host: Any, answers: Any, known: bool = True) -> None:
    """The pages a browser sees: login → form → callback → device, with a cookie that is only for https."""
    form = b'<form method="post" action="/dev-issuer/authorize?client=1"><input type="hidden" name="state" value="s&amp;1">'
    cookie = {"Set-Cookie": "__Host-aif_session=abc; Path=/; Secure; HttpOnly", "Location": "/device"}
    host.on("GET", "/auth/login", answers.Answer(None, 302, {"Location": "/dev-issuer/authorize?client=1"}))
    host.on("GET", "/dev-issuer/authorize", answers.Answer(form, 200, {"Content-Type": "text/html"}))
    redirect = answers.Answer(None, 302, {"Location": "/api/v3/auth/callback?code=c"})
    host.on("POST", "/dev-issuer/authorize", redirect if known else answers.Answer(b"unknown", 400))
    host.on("GET", "/auth/callback", answers.Answer(None, 302, cookie))
    host.on("GET", "/device", answers.Answer(b"<html></html>"))
    host.on("GET", "/auth/session", answers.Answer({"authenticated": known, "csrf_token": "csrf"}))
    host.on("POST", "/auth/device/approve", answers.Answer({}))
    host.on("POST", "/auth/device", answers.Answer(DEVICE))
    granted = {"token": "aif_session_new", "expires_at": "2030-01-01T00:00:00Z", "tenant_id": "tnt_1", "email": "e@x"}
    pending = answers.problem(400, "authorization_pending")
    host.on("POST", "/auth/device/token", pending, pending, answers.Answer(granted))


def test_login_as_plays_the_browser_and_keeps_the_token_private(
    aif: Any, host: Any, answers: Any, tmp_path: Path
) -> None:
    a_development_issuer(host, answers)
    ran = aif("login", "--as", "demo@example.com")
    assert (ran.code, "Signed in" in ran.out, "aif_session_new" in ran.out + ran.err) == (0, True, False)
    posted = next(asked for asked in host.asked if asked.path == "/dev-issuer/authorize" and asked.method == "POST")
    assert posted.body == "state=s%261&email=demo%40example.com"
    approved = next(asked for asked in host.asked if asked.path == "/auth/device/approve")
    assert approved.headers["cookie"] == "__Host-aif_session=abc"
    assert approved.headers["x-csrf-token"] == "csrf"
    assert approved.headers["origin"] == host.url
    file = tmp_path / "config" / "aifactory" / "credentials.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["default"][host.url]["token"] == "aif_session_new"
    host.on("GET", "/wallet", answers.Answer({}))
    aif("wallet")
    assert host.asked[-1].headers["authorization"] == "Bearer aif_session_new"


def test_login_as_somebody_unknown_changes_nothing(aif: Any, host: Any, answers: Any) -> None:
    a_development_issuer(host, answers, known=False)
    ran = aif("login", "--as", "nobody@example.com")
    assert (ran.code, "unknown_email" in ran.err) == (2, True)
    assert not [asked for asked in host.asked if asked.path == "/auth/device/approve"]


def test_login_as_follows_a_host_to_the_name_it_knows_itself_by(aif: Any, host: Any, answers: Any) -> None:
    a_development_issuer(host, answers)
    other_name = host.url.replace("127.0.0.1", "localhost")
    begin = answers.Answer(None, 302, {"Location": "/dev-issuer/authorize?client=1"})
    home = answers.Answer(None, 302, {"Location": f"{host.url}/api/v3/auth/login"})
    host.on("GET", "/auth/login", home, begin)
    assert aif("login", "--as", "demo@example.com", "--host", other_name).code == 0
    assert aif("context", "show", "-o", "json").out.count(other_name) == 1


def test_login_as_is_refused_where_a_real_identity_provider_signs_in(aif: Any, host: Any, answers: Any) -> None:
    a_development_issuer(host, answers)
    host.on("GET", "/auth/login", answers.Answer(None, 302, {"Location": "https://idp.example.com/authorize"}))
    ran = aif("login", "--as", "demo@example.com")
    assert (ran.code, "not_development_issuer" in ran.err) == (6, True)


def test_a_second_profile_does_not_take_over_unasked(aif: Any, host: Any, answers: Any) -> None:
    a_development_issuer(host, answers)
    assert "profile admin" in aif("login", "--as", "e@x", "--profile", "admin", "--host", host.url).out
    assert json.loads(aif("context", "show", "-o", "json").out)["profile"] == "default"
    aif("context", "use", "admin")
    assert json.loads(aif("context", "show", "-o", "json").out)["profile"] == "admin"


def test_logout_forgets_even_when_the_host_does_not_answer(aif: Any, host: Any, answers: Any) -> None:
    host.on("POST", "/auth/logout", answers.Answer(None, 503))
    assert aif("logout").code == 0
    assert aif("wallet").code == 3


def test_waiting_shows_each_stage_once_on_stderr(aif: Any, host: Any, answers: Any) -> None:
    stages = [
        {"seq": n, "to_state": state, "why": f"why {n}"} for n, state in enumerate(("placing", "starting", "active"), 1)
    ]
    waiting = {**ALLOCATION, "state": "placing", "access": None}
    host.on("POST", "/allocations", answers.Answer(waiting, 202))
    host.on("GET", PATH, answers.Answer(waiting), answers.Answer(waiting), answers.Answer(ALLOCATION))
    events = [answers.Answer(listing(*stages[:count])) for count in (1, 2, 3)]
    host.on("GET", PATH + "/events", *events)
    ran = aif("allocations", "create", "--sku", "local.cpu.1", "--name", "dev", "--wait", "-o", "json")
    assert ran.code == 0
    assert json.loads(ran.out) == ALLOCATION
    assert [line.split()[2] for line in ran.err.splitlines()] == ["placing", "starting", "active"]


def test_waiting_for_one_that_is_refused_ends_with_6_and_offers(aif: Any, host: Any, answers: Any) -> None:
    offers = [{"sku": "local.cpu.1", "region_id": "north", "available": 2, "capacity": 4}]
    refusal = {"code": "no_capacity", "detail": "every slot is taken", "offers": offers}
    host.on("POST", "/allocations", answers.Answer({**ALLOCATION, "state": "requested"}, 202))
    host.on("GET", PATH, answers.Answer({**ALLOCATION, "state": "refused", "refusal": refusal}))
    host.on("GET", PATH + "/events", answers.Answer(listing()))
    ran = aif("allocations", "create", "--sku", "local.cpu.1", "--wait")
    assert ran.code == 6
    for part in ("no_capacity", "every slot is taken", "local.cpu.1 in north: 2 of 4 free", "Nothing was billed"):
        assert part in ran.err


def test_waiting_too_long_ends_with_8_and_leaves_it_going(aif: Any, host: Any, answers: Any) -> None:
    host.on("POST", "/allocations", answers.Answer({**ALLOCATION, "state": "placing"}, 202))
    host.on("GET", PATH, answers.Answer({**ALLOCATION, "state": "placing"}))
    host.on("GET", PATH + "/events", answers.Answer(listing()))
    ran = aif("allocations", "create", "--sku", "local.cpu.1", "--wait", "--timeout", "0.3")
    assert (ran.code, "wait_timed_out" in ran.err) == (8, True)


def test_an_existing_volume_is_attached_and_a_new_one_is_made(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/volumes", answers.Answer(listing({"id": "vol_1", "name": "old", "size_gb": 2})))
    host.on("POST", "/allocations", answers.Answer(ALLOCATION, 202))
    create = ("allocations", "create", "--sku", "local.cpu.1")
    assert aif(*create, "--volume", "old:2:/o", "--volume", "new:1").code == 0
    assert host.mutations()[0].body["volumes"] == [{"id": "vol_1", "mount_path": "/o"}, {"name": "new", "size_gb": 1}]
    ran = aif(*create, "--volume", "old:3")
    assert (ran.code, "volume_size_differs" in ran.err) == (2, True)
    ran = aif(*create, "--volume", "none")
    assert (ran.code, "unknown_volume" in ran.err) == (2, True)
    assert len(host.mutations()) == 1


def test_a_newcomer_without_a_registered_key_uses_the_usual_one_of_this_machine(
    aif: Any, host: Any, answers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ("allocations", "create", "--sku", "local.cpu.1")
    host.on("POST", "/allocations", answers.Answer(ALLOCATION, 202))
    assert aif(*create).code == 0
    assert host.mutations()[-1].body["ssh_key_ids"] == ["ssh_1"]
    host.on("GET", "/ssh-keys", answers.Answer(listing()))
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = aif(*create)
    assert (ran.code, "ssh_key_required" in ran.err, "ssh-keygen" in ran.err) == (2, True, True)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text("ssh-ed25519 AAAAC3Nza me\n")
    assert aif(*create).code == 0
    assert host.mutations()[-1].body["ssh_public_key"] == "ssh-ed25519 AAAAC3Nza me"
    assert len(host.mutations()) == 2


def test_a_secret_lost_on_the_way_is_said(aif: Any, host: Any, answers: Any) -> None:
    lost = {"id": "key_1", "name": "ci", "secret": None, "code": "secret_already_shown"}
    host.on("POST", "/keys", answers.Answer(lost, 201))
    ran = aif("keys", "create", "ci")
    assert (ran.code, "secret_already_shown" in ran.err) == (1, True)


def test_a_request_that_still_runs_is_asked_for_again(aif: Any, host: Any, answers: Any) -> None:
    made = answers.Answer({"id": "prj_1", "name": "x"}, 201)
    host.on("POST", "/projects", answers.problem(409, "idempotency_in_progress"), made)
    assert aif("projects", "create", "x").code == 0


def test_ssh_pins_the_host_key_and_asks_nothing(aif: Any, host: Any, answers: Any, tmp_path: Path) -> None:
    host.on("GET", PATH, answers.Answer(ALLOCATION))
    ran = aif("ssh", ALLOCATION["id"], "--print", "--", "echo", "two words")
    assert ran.code == 0
    for part in ("StrictHostKeyChecking=yes", f"HostKeyAlias={ALLOCATION['id']}", "-p 4022", "-l tenant 127.0.0.1"):
        assert part in ran.out
    assert ran.out.rstrip().endswith("127.0.0.1 echo 'two words'")
    pinned = tmp_path / "config" / "aifactory" / "known_hosts" / ALLOCATION["id"]
    assert pinned.read_text() == f"{ALLOCATION['id']} ssh-ed25519 AAAAC3\n"


@pytest.mark.parametrize(
    "change", [{"host": "-oProxyCommand=x"}, {"user": "a b"}, {"host_key": ""}, {"host_key": "a\n* b"}]
)
def test_ssh_refuses_access_that_could_be_an_attack(aif: Any, host: Any, answers: Any, change: dict[str, str]) -> None:
    ssh = {**ALLOCATION["access"]["ssh"], **change}
    host.on("GET", PATH, answers.Answer({**ALLOCATION, "access": {"ssh": ssh}}))
    ran = aif("ssh", ALLOCATION["id"], "--print")
    assert (ran.code, "unusable_access" in ran.err) == (1, True)
    assert "\n*" not in ran.out


def test_ssh_to_one_that_is_not_active_says_so(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", PATH, answers.Answer({**ALLOCATION, "state": "released", "access": None}))
    ran = aif("ssh", ALLOCATION["id"])
    assert (ran.code, "not_active" in ran.err) == (6, True)


def test_names_find_the_living_one(aif: Any, host: Any, answers: Any) -> None:
    old = {**ALLOCATION, "id": "alloc_" + "b" * 26, "state": "released"}
    host.on("GET", "/allocations", answers.Answer(listing(old, ALLOCATION)))
    assert ALLOCATION["id"] in aif("allocations", "show", "dev").out
    ran = aif("allocations", "show", "nothing")
    assert (ran.code, "not_found" in ran.err) == (5, True)
    host.on("GET", "/allocations", answers.Answer(listing({**ALLOCATION, "id": "alloc_x"}, ALLOCATION)))
    ran = aif("allocations", "show", "dev")
    assert (ran.code, "ambiguous_name" in ran.err) == (6, True)


def test_apply_makes_what_is_missing_and_leaves_the_rest(aif: Any, host: Any, answers: Any, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "kind: Allocation\nname: dev\nsku: local.cpu.1\nvolumes: [{name: data}]\n---\nkind: Volume\nname: data\nsize_gb: 1\n"
    )
    made: list[dict[str, Any]] = []

    def make(asked: Any) -> Any:
        made.append({"id": "vol_1", **asked.body})
        return answers.Answer(made[-1], 201)

    host.on("GET", "/volumes", lambda _: answers.Answer(listing(*made)))
    host.on("POST", "/volumes", make)
    host.on("GET", "/allocations", answers.Answer(listing()), answers.Answer(listing(ALLOCATION)))
    host.on("POST", "/allocations", answers.Answer(ALLOCATION, 202))
    ran = aif("apply", "-f", str(tmp_path / "f.yaml"), "-o", "json")
    assert [(it["kind"], it["action"]) for it in json.loads(ran.out)["items"]] == [
        ("Volume", "created"),
        ("Allocation", "created"),
    ]
    assert host.mutations()[1].body["volumes"] == [{"id": "vol_1"}]
    ran = aif("apply", "-f", str(tmp_path / "f.yaml"), "-o", "json")
    assert [it["action"] for it in json.loads(ran.out)["items"]] == ["unchanged", "unchanged"]
    (tmp_path / "f.yaml").write_text("kind: Volume\nname: data\nsize_gb: 5\n")
    ran = aif("apply", "-f", str(tmp_path / "f.yaml"))
    assert (ran.code, "exists_differently" in ran.err) == (6, True)
    assert len(host.mutations()) == 2


def test_the_books_out_of_balance_end_with_1(aif: Any, host: Any, answers: Any) -> None:
    host.on("GET", "/ledger/trial-balance", answers.Answer({"currencies": [], "accounts": [], "balanced": False}))
    assert aif("ledger", "trial-balance").code == 1


def test_help_stays_light() -> None:
    """Importing httpx, rich or yaml to print a list of commands would double its time."""
    code = (
        "import sys\nfrom aifactory_cli.main import run\nrun(['--help'])\n"
        "print([name for name in ('httpx', 'rich', 'yaml', 'asyncio') if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert ran.stderr.strip() == "[]"
    assert "allocations" in ran.stdout


def test_every_command_has_help(aif: Any) -> None:
    from aifactory_cli.root import aif as root

    def walk(command: Any, words: list[str]) -> None:
        ran = aif(*words, "--help")
        assert (ran.code, bool(command.help)) == (0, True), words
        for name in command.list_commands(None) if hasattr(command, "list_commands") else []:
            walk(command.get_command(None, name), [*words, name])

    walk(root, [])


def test_a_webhook_is_made_tested_and_its_message_replayed(aif: Any, host: Any, answers: Any) -> None:
    hook = {"id": "whk_" + "a" * 26, "name": "hook", "url": "https://h.example/", "event_types": [], "conditions": []}
    host.on("POST", "/webhooks", answers.Answer(hook | {"secret": "whsec_once"}, 201))
    made = aif("webhooks", "create", "hook", "--url", "https://h.example/")
    assert ("whsec_once" in made.out, "not shown again" in made.err) == (True, True)
    host.on("POST", "/webhooks", answers.Answer(hook | {"secret": None, "code": "secret_already_shown"}, 201))
    assert aif("webhooks", "create", "hook", "--url", "https://h.example/").code == 1
    host.on("GET", "/webhooks", answers.Answer(listing(hook)))
    host.on("POST", f"/webhooks/{hook['id']}/test", answers.Answer({"id": "dlv_1"}, 202))
    assert "dlv_1" in aif("webhooks", "test", "hook").out
    dead = {"id": "dlv_1", "event_type": "x.y", "state": "dead", "attempts": 8, "error": "answered 503"}
    host.on("GET", f"/webhooks/{hook['id']}/deliveries", answers.Answer(listing(dead)))
    assert "answered 503" in aif("webhooks", "deliveries", "hook", "--state", "dead").out
    host.on("POST", f"/webhooks/{hook['id']}/deliveries/dlv_1/replay", answers.Answer(dead, 202))
    assert aif("webhooks", "replay", "hook", "dlv_1").code == 0


def test_who_is_told_by_mail_is_set_and_being_off_is_said(aif: Any, host: Any, answers: Any) -> None:
    item = {"kind": "credit_exhausted", "about": "credit ended", "recipients": []}
    off = {"mail_enabled": False, "why": "mail is off: no mail server", "items": [item]}
    host.on("GET", "/notification-preferences", answers.Answer(off))
    shown = aif("notifications", "show")
    assert ("nobody" in shown.out, "mail is off" in shown.err) == (True, True)
    host.on("PUT", "/notification-preferences/credit_exhausted", answers.Answer(off))
    assert aif("notifications", "set", "credit_exhausted", "a@example.com").code == 0
    assert host.asked[-1].body == {"recipients": ["a@example.com"]}


def test_an_operator_looks_into_dead_letters_and_replays_one_or_a_kind(aif: Any, host: Any, answers: Any) -> None:
    event = {"aggregate": "alloc_1", "payload_json": '{"why": "because"}'}
    letter = {
        "id": "dlq_1",
        "consumer": "x.take",
        "event_type": "x.y",
        "error": "no",
        "event_id": "evt_1",
        "event": event,
    }
    host.on("GET", "/admin/dead-letters/dlq_1", answers.Answer(letter))
    assert '"why": "because"' in aif("admin", "events", "dead-letter", "dlq_1").out
    host.on("POST", "/admin/dead-letters/dlq_1/replay", answers.Answer(letter))
    assert aif("admin", "events", "replay", "dlq_1").code == 0
    host.on("POST", "/admin/dead-letters/replay", answers.Answer({"replayed": 3, "still_open": 1}))
    assert "Replayed 3; 1 are still open" in aif("admin", "events", "replay", "--consumer", "x.take").out
    assert host.asked[-1].body == {"consumer": "x.take"}
    assert aif("admin", "events", "replay").code == 2


def test_an_operator_reads_how_promises_are_kept(aif: Any, host: Any, answers: Any) -> None:
    windows = [{"window": "1h", "burn": 20.0}, {"window": "6h", "burn": None}, {"window": "3d", "burn": 0.5}]
    slo = {
        "domain": "iam",
        "name": "Requests succeed",
        "state": "burning",
        "target": 0.999,
        "current": 0.9995,
        "windows": windows,
    }
    host.on("GET", "/slos", answers.Answer({"as_of": "2026-11-23T08:00:00Z", "items": [slo | {"budget_left": 0.5}]}))
    shown = aif("admin", "slos").out
    assert all(part in shown for part in ("burning", "99.9 %", "99.95 %", "50 %", "20.0 / - / 0.5"))
    new = slo | {"state": "too_few", "current": None, "budget_left": None, "total": 1, "needed": 1000}
    host.on("GET", "/slos", answers.Answer({"as_of": "2026-11-23T08:00:00Z", "items": [new]}))
    assert "too few yet (1 of 1000)" in aif("admin", "slos").out
