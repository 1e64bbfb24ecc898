"""Who a request comes from is what the socket says, unless the operator trusts a proxy in between."""

import pytest

from aifactory.api.serve import _server


async def seen(trusted: str) -> str:
    """The client's address as an application behind the server sees it, for a peer on loopback that claims another one."""
    found: list[str] = []

    async def app(scope, receive, send) -> None:
        found.append(scope["client"][0])

    config = _server(app, trusted).config
    config.load()
    scope = {
        "type": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"203.0.113.9")],
        "scheme": "http",
    }
    await config.loaded_app(scope, None, None)
    return found[0]


@pytest.mark.parametrize(
    ("trusted", "address"), [("", "127.0.0.1"), ("198.51.100.1", "127.0.0.1"), ("127.0.0.1", "203.0.113.9")]
)
async def test_a_forwarded_address_is_believed_from_trusted_proxies_only(trusted, address):
    assert await seen(trusted) == address
