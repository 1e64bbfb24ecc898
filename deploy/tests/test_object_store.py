"""The object store is started shut: its inner doors ask for a certificate, its secrets are in no command line."""

import socket
import subprocess
from pathlib import Path

from aifactory_deploy.object_store import ObjectStore
from aifactory_deploy.ports import free_port, is_free


def _store(directory: Path, told: list[str] | None = None, s3_port: int = 0) -> ObjectStore:
    said = told if told is not None else []
    return ObjectStore(directory, "secret-{}".format, None, {}, (), s3_port, lambda: said.append("new ports"))


def test_its_secrets_are_in_no_command_line_and_its_inner_doors_are_shut(tmp_path: Path) -> None:
    program = _store(tmp_path).arrange()
    words = " ".join(program.argv)
    assert "secret-" not in words and "-disableHttp" in words and "-master.telemetry=false" in words
    assert program.env["WEED_JWT_FILER_SIGNING_KEY"] == "secret-objects-filer"
    for part in ("MASTER", "VOLUME", "FILER", "S3"):
        assert Path(program.env[f"WEED_GRPC_{part}_CERT"]).exists()
    assert all("0.0.0.0" not in word for word in program.argv)
    for name in ("grpc.key", "s3.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name


def test_its_certificate_is_made_once(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.arrange()
    first = (tmp_path / "grpc.pem").read_bytes()
    store.arrange()
    assert (tmp_path / "grpc.pem").read_bytes() == first
    subprocess.run(["openssl", "x509", "-in", tmp_path / "grpc.pem", "-noout"], check=True)


def test_tenants_find_it_where_it_was_asked_to_be_and_elsewhere_when_that_is_taken(tmp_path: Path) -> None:
    wanted = free_port()
    told: list[str] = []
    store = _store(tmp_path, told, wanted)
    assert store.settings()["AIF_S3_URL"] == f"http://127.0.0.1:{wanted}"
    store.arrange()
    assert not told
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted))
        other.listen()
        assert not is_free(wanted)
        store.arrange()
    assert told and store.settings()["AIF_S3_URL"] != f"http://127.0.0.1:{wanted}"
