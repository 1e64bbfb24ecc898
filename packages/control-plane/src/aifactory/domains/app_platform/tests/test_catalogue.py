"""Only what a trusted publisher signed, byte for byte, is an app."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aifactory.domains.app_platform.app_manifest import BadManifest, read_manifest
from aifactory.domains.app_platform.parameters import ParameterSchema, Property, check_parameters, command_of
from aifactory.domains.app_platform.seed import SHIPPED
from aifactory.domains.app_platform.signing import sign
from aifactory.domains.platform_control import keys, secrets
from aifactory.kernel.errors import Problem

COMMAND = (SHIPPED / "command" / "manifest.json").read_text()


def a_manifest(**changes):
    return json.dumps(json.loads(COMMAND) | {"name": "mine", "version": "1.0.0"} | changes)


async def names(factory):
    return [app["name"] for app in (await factory.http.get("/api/v3/apps")).json()["items"]]


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*/manifest.json")), ids=lambda file: file.parent.name)
def test_what_we_ship_reads_as_a_manifest_of_its_folder(file):
    assert read_manifest(file.read_text()).name == file.parent.name


async def test_anyone_sees_the_apps_with_their_parameters(factory):
    assert "command" in await names(factory)
    shown = (await factory.http.get("/api/v3/apps/command")).json()
    assert shown["kind"] == "batch" and shown["required"] == ["command"]
    assert shown["parameters"]["command"]["maxLength"] == 8000
    assert (await factory.http.get("/api/v3/apps/nothing")).status_code == 404


async def test_an_unsigned_an_altered_and_a_strangers_manifest_are_not_listed_and_cannot_be_launched(factory):
    key, stranger = keys.publisher_key(), Ed25519PrivateKey.generate()
    await factory.publishes("mine", "1.0.0", a_manifest(), "0" * 128)
    await factory.publishes(
        "mine", "1.0.1", a_manifest(version="1.0.1", title="x"), sign(a_manifest(version="1.0.1"), key)
    )
    await factory.publishes("mine", "1.0.2", a_manifest(version="1.0.2"), sign(a_manifest(version="1.0.2"), stranger))
    await factory.publishes("mine", "1.0.3", a_manifest(), sign(a_manifest(), key))  # signed, but of another version
    assert "mine" not in await names(factory)
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    answer = await factory.post(
        "/instances", {"app": "mine", "allocation_id": allocation, "parameters": {"command": "id"}}
    )
    assert answer.status_code == 404
    await factory.publishes("mine", "1.0.4", a_manifest(version="1.0.4"), sign(a_manifest(version="1.0.4"), key))
    assert "mine" in await names(factory)


async def test_another_publisher_is_believed_once_the_operator_trusts_its_key(
    factory, platform_secrets, tmp_path, monkeypatch
):
    partner = Ed25519PrivateKey.generate()
    await factory.publishes("mine", "1.0.0", a_manifest(), sign(a_manifest(), partner))
    assert "mine" not in await names(factory)
    (tmp_path / "app_publishers").mkdir()
    public = partner.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "app_publishers" / "partner.pub").write_bytes(public)
    (tmp_path / "app_publisher.pub").write_bytes((platform_secrets / "app_publisher.pub").read_bytes())
    monkeypatch.setenv("AIF_SECRETS_DIR", str(tmp_path))
    assert {"mine", "command"} <= set(await names(factory))


def test_without_a_publishers_key_nothing_is_believed(tmp_path):
    with pytest.raises(secrets.SecretMissing):
        secrets.load_publishers(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"schema": 2}, {"kind": "web"}, {"command": []}, {"surprise": 1}, {"web": {"listen": "tcp"}}, {"summary": "x" * 40_000}],
)  # fmt: skip
def test_what_this_release_does_not_understand_is_no_manifest(changes):
    with pytest.raises(BadManifest):
        read_manifest(a_manifest(**changes))


def test_a_value_stays_inside_the_argument_that_names_it():
    values = {"command": "echo 'a b'; {other} {home}", "count": 3, "loud": True}
    arguments = command_of(["/bin/run", "{command}", "--n={count}", "--loud={loud}", "{socket}", "{{}"], values)
    assert arguments == ["/bin/run", "echo 'a b'; {other} {home}", "--n=3", "--loud=true", "\ue000socket\ue001", "{{}"]


@pytest.mark.parametrize(
    "given",
    [{}, {"n": 1}, {"text": 5}, {"text": ""}, {"text": "x", "n": 11}, {"text": "x", "more": 1}, {"text": "a\0b"}, {"text": "\ue000home\ue001"}, {"text": "x", "n": True}],
)  # fmt: skip
def test_parameters_that_do_not_fit_are_refused_by_name(given):
    schema = ParameterSchema(
        properties={"text": Property("string", minLength=1), "n": Property("integer", maximum=10, default=2)},
        required=["text"],
    )
    with pytest.raises(Problem) as refused:
        check_parameters(schema, given)
    assert refused.value.code == "invalid_parameter" and refused.value.field.startswith("parameters")
    assert check_parameters(schema, {"text": "x"}) == {"text": "x", "n": 2}
