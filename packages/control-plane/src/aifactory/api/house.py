"""Puts the whole public API, and the agents' API, together from the manifests."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI

from aifactory.api.agent_door import AgentDoor
from aifactory.api.app import build, limited
from aifactory.api.health import add_contracts, add_health
from aifactory.api.limits import Limits
from aifactory.contracts.sources import asyncapi_bundle, openapi_bundle
from aifactory.domains.iam import facade as iam
from aifactory.kernel.clock import SystemClock
from aifactory.kernel.db import Database
from aifactory.kernel.edge import Edge
from aifactory.kernel.rates import Rates
from aifactory.kernel.settings import Settings
from aifactory.kernel.wakeups import NatsWakeups
from aifactory.manifests import MANIFESTS

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class House:
    """The two applications of the API process, and the public one without its limits for whoever reads its routes."""

    public: Limits
    agents: Limits
    app: FastAPI
    agent_app: FastAPI


def allowed_hosts(settings: Settings) -> tuple[str, ...]:
    """What was configured, else the public URL's host; loopback names only while that is loopback too."""
    host = urlsplit(settings.public_url).hostname or "127.0.0.1"
    return settings.allowed_hosts or (LOOPBACK_HOSTS if host in LOOPBACK_HOSTS else (host,))


def build_house(settings: Settings, database: Database, wakeups: NatsWakeups) -> House:
    """Raises SystemExit with the reason when the settings are unsafe together (see iam's development issuer)."""
    door = iam.Door(database, settings)
    rates = Rates(settings.rate_per_second, settings.rate_burst)
    edge = Edge(database, door.authenticate, iam.decide_anywhere, door.verify_csrf, door.recall, rates=rates)
    app = build("AI Factory", [router for m in MANIFESTS for router in m.routers], edge)
    app.state.settings = settings
    add_health(app, database, wakeups)
    add_contracts(app, openapi_bundle, asyncapi_bundle)
    _add_development_issuer(app, settings)
    agents = AgentDoor(database, SystemClock())
    agent_edge = Edge(database, agents.authenticate, iam.decide_anywhere, lambda request, who: None)
    agent_app = build("AI Factory: node agents", [router for m in MANIFESTS for router in m.agent_routers], agent_edge)
    agent_app.state.settings = settings
    return House(limited(app, allowed_hosts(settings)), limited(agent_app, ()), app, agent_app)


def _add_development_issuer(app: FastAPI, settings: Settings) -> None:
    if settings.dev_issuer:
        iam.mount_development_issuer(app, settings)
