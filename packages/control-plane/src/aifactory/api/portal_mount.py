"""Joins the built portal to the running API; without a build the API still serves everything else and says so."""

import json
import logging
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder

from aifactory.api.portal import mount_portal
from aifactory.domains.provisioning import facade as provisioning
from aifactory.kernel.db import Database

log = logging.getLogger(__name__)
DIST = Path(__file__).parent / "portal_dist"


def mount_portal_if_built(app: FastAPI, database: Database, dist: Path = DIST) -> bool:
    """Must come last: the portal's shell answers every address that nothing else claims."""

    async def live_catalog() -> list[dict[str, Any]]:
        async with database.tx("tenant") as tx:
            items: list[dict[str, Any]] = jsonable_encoder(await provisioning.catalog(tx))
        return json.loads(json.dumps(items, default=str))  # type: ignore[no-any-return]

    try:
        mount_portal(app, dist, live_catalog)
    except FileNotFoundError as missing:
        log.warning("the portal is not built (%s is missing): run `make portal`", missing.filename)
        return False
    return True
