"""The data directory: where each service's files are, who owns them, and which version wrote them.

VERSION        what wrote it: product, layout, PostgreSQL's major version, number of database migrations
instance.lock  held by the supervisor and everything it starts; instance.json says who that is
secrets/       the platform's keys        passwords/  the database's and the broker's
postgres/ nats/ api/ worker/ proxy/ gateway/ objects/ models/ agent/  one directory per service, closed to the others
audit-heads/   signed heads of the audit chains: the worker writes them, everybody may compare
run/           PostgreSQL's socket        logs/       one file per process, with a size limit
"""

import os
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex

from aifactory_deploy.accounts import Account
from aifactory_deploy.refusal import Exit, Refusal

LAYOUT = 1
SOCKET_PATH_LIMIT_BYTES = 107
SOCKET_NAME = ".s.PGSQL.5432"


class Layout:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "instance.lock"
        self.instance = root / "instance.json"
        self.version = root / "VERSION"
        self.secrets = root / "secrets"
        self.passwords = root / "passwords"
        self.run = root / "run"
        self.logs = root / "logs"
        self.agent = root / "agent"
        self.audit_heads = root / "audit-heads"

    def service(self, name: str) -> Path:
        return self.root / name

    def open_root(self) -> None:
        """Creates the top only; it is traversable because each service must reach its own directory in it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                self.root.chmod(0o711)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise Refusal(
                Exit.PATH_UNUSABLE,
                f"The data directory {self.root} cannot be used: {error.strerror}.",
                "Choose one that you may write: --data-dir DIR",
            ) from error

    def prepare(self, accounts: dict[str, Account | None]) -> None:
        self.check_socket_path()
        for private in (self.secrets, self.passwords, self.agent):
            private.mkdir(mode=0o700, exist_ok=True)
        for name, account in accounts.items():
            own(self.service(name), account, 0o700)
        own(self.run, accounts["postgres"], 0o750)
        own(self.audit_heads, accounts["worker"], 0o755)

    def check_socket_path(self) -> None:
        length = len(os.fsencode(self.run / SOCKET_NAME))
        if length > SOCKET_PATH_LIMIT_BYTES:
            room = SOCKET_PATH_LIMIT_BYTES - (length - len(os.fsencode(self.root)))
            raise Refusal(
                Exit.PATH_UNUSABLE,
                f"The data directory's path is too long for PostgreSQL's socket: {self.root} has "
                f"{len(os.fsencode(self.root))} bytes, {room} are possible.",
                "Choose a shorter one: --data-dir DIR",
            )

    def password(self, name: str) -> str:
        """The generated password of a login; made on the first call and kept."""
        path = self.passwords / name
        if not path.exists():
            write_whole(path, token_hex(24))
        return path.read_text()


def own(directory: Path, account: Account | None, mode: int) -> None:
    """Makes the directory and, as root, gives it with all it holds to the account when it belongs to another."""
    directory.mkdir(mode=mode, exist_ok=True)
    if account is None:
        return
    if directory.stat().st_uid != account.uid:
        for folder, folders, files in os.walk(directory):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)
    os.chown(directory, account.uid, account.gid)
    directory.chmod(mode)


def write_whole(path: Path, text: str, mode: int = 0o600, owner: Account | None = None) -> None:
    """A reader sees the old content or the new one, also after a power cut.

    Safe in a directory that belongs to a service: no link it may have laid there is followed, neither for what is
    written nor for what is given to `owner`.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, mode), "w") as file:
        if owner:
            os.fchown(file.fileno(), owner.uid, owner.gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def written_version(layout: Layout) -> dict[str, str]:
    """Empty for a new data directory."""
    if not layout.version.exists():
        return {}
    pairs = (line.split(maxsplit=1) for line in layout.version.read_text().splitlines() if line.strip())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def check_version(layout: Layout, postgres_major: int, migrations: int) -> None:
    """Refuses a data directory that a newer release has written: going back would read what it cannot understand."""
    found = written_version(layout)
    ours = {"layout": LAYOUT, "postgres": postgres_major, "migrations": migrations}
    for name, known in ours.items():
        there = found.get(name, "0")
        if not there.isdigit() or int(there) > known:
            raise Refusal(
                Exit.NEWER_DATA,
                f"The data directory {layout.root} was written by a newer version: aifactory "
                f"{found.get('aifactory', '?')} ({name} {there}; this version, {version('aifactory')}, knows {known}).",
                "Start it with that version, or choose another place: --data-dir DIR",
            )
    if found and int(found.get("postgres", postgres_major)) < postgres_major:
        raise Refusal(
            Exit.NEWER_DATA,
            f"The database in {layout.root} is PostgreSQL {found['postgres']}; this version runs {postgres_major}.",
            "Upgrade it with pg_upgrade, or start the version that wrote it.",
        )


def record_version(layout: Layout, postgres_major: int, migrations: int) -> None:
    write_whole(
        layout.version,
        f"aifactory {version('aifactory')}\nlayout {LAYOUT}\npostgres {postgres_major}\nmigrations {migrations}\n",
        0o644,
    )
