"""One caller that floods waits; others do not notice, and nothing of it reaches the database."""

import httpx
import pytest

from aifactory.api.app import build, limited
from aifactory.kernel.edge import Edge
from aifactory.kernel.errors import unauthenticated
from aifactory.kernel.principal import Principal
from aifactory.kernel.rates import REMEMBERED, Buckets, Rates, address_of
from aifactory.kernel.reading import Belief
from aifactory.kernel.routes import PUBLIC, Db, Routes
from aifactory.kernel.settings import Settings

ASKED: list[str] = []


class Allowed:
    allowed, because, code = True, "it is a toy", ""


def toy_routes() -> Routes:
    router = Routes("toy", "/things")

    @router.get("", permission=PUBLIC, tx=False)
    async def look(db: Db) -> dict[str, bool]:
        return {"seen": True}

    @router.get("/dear", permission=PUBLIC, tx=False, cost=50)
    async def dear(db: Db) -> dict[str, bool]:
        return {"seen": True}

    @router.post("", permission=PUBLIC, tx=False)
    async def make(db: Db) -> dict[str, bool]:
        return {"made": True}

    return router


async def authenticate(request) -> Principal:
    ASKED.append(request.headers.get("x-who", ""))
    if request.headers.get("x-who") == "wrong":
        raise unauthenticated()
    return Principal.anonymous()


def recall(request) -> Belief | None:
    who = request.headers.get("x-known")
    return Belief(Principal(who, "user", who), "", {}, ()) if who else None


@pytest.fixture
async def ask(database):
    """Status, headers and body of as many requests; each caller has 100 units and gets none back soon."""
    ASKED.clear()
    edge = Edge(database, authenticate, lambda *_: Allowed, lambda *_: None, recall, rates=Rates(0.01, 100))
    app = limited(build("toy", [toy_routes()], edge), [])

    async def asked(times: int, path: str = "", method: str = "GET", peer: str = "192.0.2.1", **who: str):
        transport = httpx.ASGITransport(app, client=(peer, 1))
        headers = {f"x-{name}": value for name, value in who.items()}
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [await client.request(method, "/api/v3/things" + path, headers=headers) for _ in range(times)]

    return asked


def refused(answers: list[httpx.Response]) -> int:
    return [answer.status_code for answer in answers].count(429)


async def test_a_caller_that_floods_waits_and_is_told_how_long(ask):
    last = (await ask(101))[-1]
    assert last.status_code == 429 and last.json()["code"] == "rate_limited"
    assert int(last.headers["retry-after"]) == last.json()["retry_after_seconds"] >= 100
    assert last.headers["ratelimit"].startswith('"caller";r=0;t=')
    assert last.headers["ratelimit-policy"].startswith('"caller";q=100;w=')
    assert "headers" not in last.json()


async def test_other_addresses_and_people_are_not_held_up(ask):
    assert refused(await ask(120)) == 20
    assert refused(await ask(50, peer="192.0.2.2")) == 0
    assert refused(await ask(50, known="usr_1")) == 0
    assert refused(await ask(60, known="usr_1", peer="192.0.2.9")) == 10


async def test_changes_and_what_is_dear_take_more(ask):
    assert refused(await ask(25, method="POST", known="usr_1")) == 5
    assert refused(await ask(3, "/dear", known="usr_2")) == 1


async def test_whoever_guesses_credentials_pays_from_its_address_and_is_stopped_before_anybody_looks(ask):
    answers = await ask(130, who="wrong")
    assert [answer.status_code for answer in answers] == [401] * 100 + [429] * 30
    assert len(ASKED) == 100


def test_a_bucket_fills_again_with_time():
    buckets = Buckets(10, 2)
    assert [buckets.take("a", 5, 100.0) for _ in range(3)] == [0, 0, 2.5]
    assert buckets.take("a", 5, 102.5) == 0
    assert buckets.take("b", 1_000, 100.0) == 0, "what is dearer than a bucket is possible, once"


def test_only_so_many_callers_are_remembered():
    buckets = Buckets(10, 1)
    for number in range(REMEMBERED + 50):
        buckets.take(f"caller {number}", 1, 100.0)
    assert len(buckets._used) == REMEMBERED


def test_a_subscriber_of_ipv6_is_one_caller():
    assert address_of("2001:db8:1:2::7") == address_of("2001:db8:1:2:ffff::1") != address_of("2001:db8:1:3::7")
    assert address_of("192.0.2.1") != address_of("192.0.2.2")
    assert address_of(None) == "address None"


def test_the_limit_is_a_setting(monkeypatch, tmp_path):
    told = {"AIF_DATABASE_URL": "x", "AIF_SECRETS_DIR": str(tmp_path)}
    assert Settings.from_environment(told).rate_per_second > 0
    assert Settings.from_environment(told | {"AIF_RATE_PER_SECOND": "0"}).rate_per_second == 0
    with pytest.raises(SystemExit, match="AIF_RATE_BURST"):
        Settings.from_environment(told | {"AIF_RATE_BURST": "many"})


async def test_no_limit_means_none():
    for _ in range(1000):
        Rates(0, 1).admit("a", 1_000)
