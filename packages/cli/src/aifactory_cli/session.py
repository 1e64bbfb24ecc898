"""What every command gets: the chosen output, host and profile, and an API client made when first used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aifactory_cli.client import Client
    from aifactory_cli.profiles import Profile


@dataclass
class Session:
    output: str = "table"
    host_option: str | None = None
    profile_option: str | None = None

    @cached_property
    def profile(self) -> Profile:
        from aifactory_cli import profiles

        return profiles.load(self.profile_option, self.host_option)

    @cached_property
    def api(self) -> Client:
        """Calls in the name of the signed-in user; raises Failure not_signed_in on the first call without a token."""
        from aifactory_cli.client import Client

        return Client(self.profile)

    @cached_property
    def public_api(self) -> Client:
        """Calls without a token: what anyone may see, and what an expired sign-in must not hide."""
        from aifactory_cli.client import Client

        return Client(self.profile, anonymous=True)


pass_session = click.make_pass_decorator(Session, ensure=True)
