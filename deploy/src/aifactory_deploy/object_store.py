"""SeaweedFS from its wheel: buckets over S3, on loopback, under a user of its own.

It comes up after the platform is ready and nothing waits for it; until then buckets answer that it is starting. Its inner
doors are shut: master and filer speak no HTTP, their gRPC asks for a certificate that only the server has, and volumes
are written with signed tokens. What is open on loopback: S3 (signed requests), and counters to read.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aifactory_deploy.accounts import Account
from aifactory_deploy.layout import Layout, write_whole
from aifactory_deploy.ports import free_port, is_free
from aifactory_deploy.processes import Program

NAME = "objects"
ADMIN = "AIFADMIN"
CERTIFICATE_LIFE = timedelta(days=3653)
STOP_SECONDS = 3.0  # what was confirmed is in the files: it loses nothing when it is killed then
_PORTS = ("s3", "metrics", "master", "master_grpc", "filer", "filer_grpc", "volume", "volume_grpc", "s3_grpc")
_COMPONENTS = ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")
_VOLUME_SLOTS = 100_000  # a bucket takes one at a time; they cost nothing until they hold something


class ObjectStore:
    """`s3_port` is what tenants see: it is taken if it is free, and kept over restarts as long as it is.

    When somebody else took a port meanwhile all are chosen anew, and `on_new_ports` tells who must know.
    """

    def __init__(
        self,
        directory: Path,
        secret: Callable[[str], str],
        account: Account | None,
        env: dict[str, str],
        inherit: tuple[int, ...],
        s3_port: int,
        on_new_ports: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._secret = secret
        self._account = account
        self._env = env
        self._inherit = inherit
        self._on_new_ports = on_new_ports
        self._ports = self._choose(s3_port)

    @classmethod
    def of(
        cls,
        layout: Layout,
        account: Account | None,
        env: dict[str, str],
        inherit: tuple[int, ...],
        s3_port: int,
        on_new_ports: Callable[[], None],
    ) -> "ObjectStore":
        return cls(layout.service(NAME), layout.password, account, env, inherit, s3_port, on_new_ports)

    def settings(self) -> dict[str, str]:
        """For the worker, which is the store's administrator."""
        return {
            "AIF_S3_URL": f"http://127.0.0.1:{self._ports['s3']}",
            "AIF_S3_ADMIN_KEY_ID": ADMIN,
            "AIF_S3_ADMIN_SECRET": self._secret("objects-admin"),
            "AIF_S3_METRICS_URL": f"http://127.0.0.1:{self._ports['metrics']}/metrics",
            "AIF_S3_VOLUME_URLS": f"http://127.0.0.1:{self._ports['volume']}",
        }

    async def program(self) -> Program:
        return self.arrange()

    def arrange(self) -> Program:
        """Everything that a start needs: ports, files, the command."""
        if not all(is_free(port) for port in self._ports.values()):
            self._ports = self._choose(0)
            self._on_new_ports()
        self._write_certificate()
        self._write("s3.json", json.dumps(self._identities()))
        return Program(
            NAME, self._argv(), self._environment(), self._account,
            cwd=self._directory, stop_seconds=STOP_SECONDS, inherit=self._inherit,
        )  # fmt: skip

    def _choose(self, s3_port: int) -> dict[str, int]:
        ports = {name: free_port() for name in _PORTS}
        return ports | ({"s3": s3_port} if s3_port and is_free(s3_port) else {})

    def _identities(self) -> dict[str, object]:
        credential = {"accessKey": ADMIN, "secretKey": self._secret("objects-admin")}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        return {"identities": [{"name": "aifactory-admin", "credentials": [credential], "actions": actions}]}

    def _argv(self) -> list[str]:
        data = self._directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        self._give(data)
        port = self._ports
        return [
            str(Path(sys.executable).parent / "weed"), "-logtostderr=true", "server", f"-dir={data}",
            "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-disableHttp", "-master.telemetry=false",
            f"-master.port={port['master']}", f"-master.port.grpc={port['master_grpc']}",
            "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=1024",
            f"-volume.port={port['volume']}", f"-volume.port.grpc={port['volume_grpc']}",
            f"-volume.max={_VOLUME_SLOTS}", "-volume.preStopSeconds=0", "-volume.index=leveldb",
            "-filer", f"-filer.port={port['filer']}", f"-filer.port.grpc={port['filer_grpc']}",
            f"-filer.localSocket={self._directory}/filer.sock",
            "-s3", f"-s3.port={port['s3']}", f"-s3.port.grpc={port['s3_grpc']}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.localSocket={self._directory}/s3.sock",
            f"-s3.config={self._directory}/s3.json", "-s3.iam.readOnly=false",
            "-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false",
            f"-metricsPort={port['metrics']}", "-metricsIp=127.0.0.1",
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        """Secrets by the environment, which only the server's own user can read."""
        certificate = {
            f"WEED_GRPC_{component}_{part}": str(self._directory / f"grpc.{ending}")
            for component in _COMPONENTS
            for part, ending in (("CERT", "pem"), ("KEY", "key"))
        }
        return {
            **self._env,
            "HOME": str(self._directory),
            "GOMEMLIMIT": "192MiB",
            "WEED_GRPC_CA": str(self._directory / "grpc.pem"),
            **certificate,
            "WEED_JWT_SIGNING_KEY": self._secret("objects-volume"),
            "WEED_JWT_FILER_SIGNING_KEY": self._secret("objects-filer"),
            "WEED_JWT_FILER_SIGNING_READ_KEY": self._secret("objects-filer-read"),
            "WEED_S3_SSE_KEK_PASSPHRASE": self._secret("objects-encryption"),
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
        }

    def _write_certificate(self) -> None:
        """One self-signed certificate for all parts of the server: they are one process and talk to themselves."""
        if (self._directory / "grpc.pem").exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aifactory object store")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + CERTIFICATE_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._write("grpc.key", private.decode())
        self._write("grpc.pem", certificate.public_bytes(serialization.Encoding.PEM).decode())

    def _write(self, name: str, text: str) -> None:
        write_whole(self._directory / name, text)
        self._give(self._directory / name)

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)
