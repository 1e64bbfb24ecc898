"""Reads expectations.toml: who may use which route, with what body, on whose object."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("expectations.toml")


@dataclass(frozen=True)
class Expectation:
    """`who`: every role that may. `object`: the kind of tenant A's object that fills the path's id, or the parameter
    `query` where the route takes it there. `body`: a valid one."""

    route: str
    who: tuple[str, ...]
    object: str | None = None
    body: Any = None
    query: str | None = None

    @property
    def method(self) -> str:
        return self.route.split()[0]

    @property
    def path(self) -> str:
        return self.route.split()[1]


def expectations() -> list[Expectation]:
    content = tomllib.loads(FILE.read_text())
    groups: dict[str, list[str]] = content["groups"]
    return [Expectation(**entry | {"who": tuple(groups[entry["who"]])}) for entry in content["route"]]
