"""The file tree inside a sandbox: the host's programs read-only, and an /etc made for one tenant."""

from __future__ import annotations

from pathlib import Path

from aifactory_agent.sandboxes.ports import HOME, TENANT_UID, USER

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
SHARED_ETC = (
    "alternatives",
    "bash.bashrc",
    "ca-certificates.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "pki",
    "profile",
    "protocols",
    "python3",
    "python3.11",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)


def system_binds() -> list[str]:
    """bwrap options for /usr and its companions, as links where the host has links."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        place = Path("/") / name
        if place.is_symlink():
            options += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            options += ["--ro-bind", str(place), str(place)]
    return options


def etc_binds() -> list[str]:
    """bwrap options for the harmless parts of the host's /etc."""
    options: list[str] = []
    for name in shared_etc():
        options += ["--ro-bind", f"/etc/{name}", f"/etc/{name}"]
    return options


def shared_etc() -> list[str]:
    """The harmless parts of the host's /etc that exist here and that everyone may read."""
    places = {name: Path("/etc") / name for name in SHARED_ETC}
    return [name for name, place in places.items() if place.exists() and place.stat().st_mode & 0o004]


def write_etc(folder: Path, hostname: str, uid: int = TENANT_UID) -> None:
    """The generated part of /etc, and empty places for the shared part."""
    files = {
        "passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\n{USER}:x:{uid}:{uid}:{USER}:{HOME}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        "group": f"root:x:0:\n{USER}:x:{uid}:\nnogroup:x:65534:\n",
        "hosts": f"127.0.0.1 localhost {hostname}\n::1 localhost\n",
        "hostname": f"{hostname}\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": "",
        "host.conf": "multi on\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    for name in shared_etc():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if (Path("/etc") / name).is_dir() else place.touch()
    for place in [folder, *folder.rglob("*")]:
        if place.is_dir():
            place.chmod(0o755)
