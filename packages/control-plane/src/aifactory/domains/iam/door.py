"""What the API's edge asks at the front door: who is this, and does the request really come from them."""

from fastapi import FastAPI, Request

from aifactory.domains.iam import installation, sessions
from aifactory.domains.iam.dev_issuer import development_issuer
from aifactory.domains.iam.installation import Installation
from aifactory.domains.iam.sessions import Credential, principal_of
from aifactory.domains.iam.store import people
from aifactory.domains.iam.store.people import Holder
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.reading import Belief
from aifactory.kernel.settings import Settings

REMEMBERED = 4096  # credentials; about 2 KB each


class Door:
    """One for each API process; it tells this domain which house it stands in."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._remembered: dict[bytes, Belief] = {}
        installation.use(Installation.of(settings))

    async def authenticate(self, request: Request) -> Principal:
        """See `sessions.authenticate`; one question to the database, none for a visitor."""
        shown = sessions.credential(request.headers, request.cookies)
        holder = await sessions.authenticate(self._database, shown)
        if shown is None or holder is None:
            return Principal.anonymous()
        return self._remember(sessions.fingerprint(request.headers), shown, holder).principal

    def recall(self, request: Request) -> Belief | None:
        """Who this credential was last time, for asking whether it still is."""
        return self._remembered.get(sessions.fingerprint(request.headers))

    def verify_csrf(self, request: Request, principal: Principal) -> None:
        sessions.verify_csrf(principal, request.headers)

    def _remember(self, fingerprint: bytes, shown: Credential, holder: Holder) -> Belief:
        """The oldest go first. What is remembered need not be forgotten when it changes: it is never used unconfirmed."""
        while len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        statement, params = people.holder_question(shown.kind or "", shown.token_hash, shown.tenant_id)
        belief = Belief(principal_of(holder), statement, params, tuple(vars(holder).values()))
        self._remembered[fingerprint] = belief
        return belief


def mount_development_issuer(app: FastAPI, settings: Settings) -> None:
    """At /dev-issuer. Ends the process with the reason unless everything is loopback."""
    app.include_router(development_issuer(settings))
