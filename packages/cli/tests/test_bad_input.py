"""Bad input: each has a field or code of its own and an exit code, changes nothing and never shows a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CREATE = ("allocations", "create", "--sku", "local.cpu.1")
LOCAL = {
    "a volume without a name": ((*CREATE, "--volume", ":5"), "invalid_volume", "volume"),
    "a volume of no size": ((*CREATE, "--volume", "data:0"), "invalid_volume", "volume"),
    "a label without a value": ((*CREATE, "--label", "team"), "invalid_label", "label"),
    "a key file that is not there": ((*CREATE, "--ssh-key", "/nowhere/id.pub"), "ssh_key_unreadable", "ssh_key"),
    "a key file that holds no key": ((*CREATE, "--ssh-key", __file__), "invalid_ssh_key", "ssh_key"),
    "a mode of a later release": ((*CREATE, "--mode", "spot"), "not_available_yet", None),
    "a mode that never was": ((*CREATE, "--mode", "cheap"), "invalid_mode", "mode"),
    "a size that is no number": (("volumes", "create", "x", "--size", "big"), "invalid_size", "size_gb"),
    "an expiry that is no time": (("keys", "create", "x", "--expires", "soon"), "invalid_time", "expires"),
    "an amount with a comma": (("admin", "prices", "set", "local.cpu.1", "0,12"), "invalid_amount", "amount"),
    "a negative amount": (("admin", "prices", "set", "local.cpu.1", "--", "-1"), "invalid_amount", "amount"),
    "a host that is none": (("regions", "--host", "ftp://x"), "invalid_host", "host"),
    "a host over plain http": (("regions", "--host", "http://factory.example.com"), "plain_http_refused", "host"),
    "a file that is not there": (("apply", "-f", "/nowhere.yaml"), "file_unreadable", "file"),
    "a model that cannot be": (("models", "../admin"), "invalid_model", None),
    "logs before their release": (("logs", "dev"), "not_available_yet", None),
}
USAGE = {
    "an unknown command": ("frobnicate",),
    "an unknown option": ("catalog", "--colour"),
    "an unknown output": ("catalog", "-o", "xml"),
    "a missing sku": ("allocations", "create"),
    "a count of zero": (*CREATE, "--count", "0"),
    "a count that is no number": (*CREATE, "--count", "many"),
    "a quote of nothing": ("quote",),
    "hours that are none": ("quote", "local.cpu.1", "--hours", "-3"),
    "a month that is none": ("statement", "--month", "2026-13"),
    "a port out of range": ("up", "--port", "70000"),
    "the same port twice": ("up", "--port", "8043"),
    "a volume without a size": ("volumes", "create", "x"),
    "a name given twice": ("projects", "create", "x", "--name", "y"),
    "a key given twice": ("ssh-keys", "create", "x", "--file", "a", "--public-key", "ssh-ed25519 AAAA"),
    "nothing to use": ("context", "use"),
    "a wait without end": (*CREATE, "--wait", "--timeout", "0"),
}


@pytest.mark.parametrize("case", LOCAL, ids=str)
def test_refused_before_anything_is_asked(aif: Any, host: Any, case: str) -> None:
    words, code, field = LOCAL[case]
    ran = aif(*words)
    assert ran.code == (6 if code == "not_available_yet" else 2)
    assert f"({code})" in ran.err
    assert field is None or f"field:  {field}" in ran.err
    assert "do:" in ran.err
    assert ran.out == ""
    assert host.mutations() == []


@pytest.mark.parametrize("case", USAGE, ids=str)
def test_usage_errors_say_what_is_wrong(aif: Any, host: Any, case: str) -> None:
    ran = aif(*USAGE[case])
    assert ran.code == 2
    assert "Error: " in ran.err
    assert host.asked == []


def test_usage_errors_are_json_where_json_was_asked_for(aif: Any) -> None:
    ran = aif("quote", "-o", "json")
    assert (ran.code, json.loads(ran.err)["code"], ran.out) == (2, "usage", "")


def test_a_private_key_is_never_sent(aif: Any, host: Any, answers: Any, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "id.pub").write_text("ssh-ed25519 AAAAC3Nza me@here\n")
    host.on("POST", "/ssh-keys", answers.Answer({"id": "key_1", "name": "x"}, 201))
    assert aif("ssh-keys", "create", "x", "--file", str(tmp_path / "id")).code == 0
    assert host.mutations()[0].body == {"name": "x", "public_key": "ssh-ed25519 AAAAC3Nza me@here"}
    (tmp_path / "id.pub").unlink()
    ran = aif("ssh-keys", "create", "x", "--file", str(tmp_path / "id"))
    assert (ran.code, "ssh_key_unreadable" in ran.err) == (2, True)
    assert len(host.mutations()) == 1


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("no yaml", "a: [", "invalid_yaml"),
        ("an empty file", "", "no_documents"),
        ("no object", "- 1", "invalid_document"),
        ("an unknown kind", "kind: Castle\nname: x", "unknown_kind"),
        ("a missing field", "kind: Volume\nname: x", "missing_field"),
        ("an unknown field", "kind: Volume\nname: x\nsize_gb: 1\ncolour: red", "unknown_field"),
        ("a wrong type", "kind: Volume\nname: x\nsize_gb: big", "invalid_field"),
        ("the same twice", "kind: Project\nname: x\n---\nkind: Project\nname: x", "double_document"),
        ("python in yaml", "!!python/object/apply:os.system ['true']", "invalid_yaml"),
    ],
)
def test_a_bad_file_is_refused_as_a_whole(aif: Any, host: Any, tmp_path: Path, name: str, text: str, code: str) -> None:
    (tmp_path / "x.yaml").write_text("kind: Project\nname: first\n---\n" + text if text else text)
    ran = aif("apply", "-f", str(tmp_path / "x.yaml"))
    assert (ran.code, f"({code})" in ran.err) == (2, True), ran.err
    assert host.mutations() == []


def test_a_broken_configuration_is_named(aif: Any, tmp_path: Path) -> None:
    (tmp_path / "config" / "aifactory" / "config.json").write_text("{")
    ran = aif("context", "show")
    assert (ran.code, "config_unreadable" in ran.err) == (2, True)


def test_the_last_resort_is_one_line_and_a_way_to_details(aif: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aifactory_cli import profiles

    monkeypatch.setattr(profiles, "load", lambda *_: 1 / 0)
    ran = aif("wallet")
    assert (ran.code, "AIF_DEBUG=1" in ran.err) == (1, True)
    monkeypatch.setenv("AIF_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        aif("wallet")
