"""Beginning to sign in needs nobody's permission and writes a row, so each address may do it only so often."""

import pytest

from aifactory.domains.iam import arrivals
from aifactory.domains.iam.arrivals import ADDRESSES, MOST, Arrivals
from aifactory.kernel.errors import Problem


def test_an_address_that_floods_waits_and_others_do_not():
    door = Arrivals()
    for _ in range(MOST):
        door.take("192.0.2.1", 100.0)
    with pytest.raises(Problem) as refused:
        door.take("192.0.2.1", 100.0)
    assert (refused.value.status, refused.value.code) == (429, "too_many_sign_ins")
    door.take("192.0.2.2", 100.0)
    door.take("192.0.2.1", 100.0 + refused.value.extra["retry_after_seconds"])


def test_only_so_many_addresses_are_remembered():
    door = Arrivals()
    for number in range(ADDRESSES + 50):
        door.take(f"address {number}", 100.0)
    assert len(door._buckets._used) == ADDRESSES


@pytest.mark.parametrize(("method", "path"), [("GET", "/auth/login"), ("POST", "/auth/device")])
async def test_both_ways_in_are_counted_before_anything_is_written(house, owner_url, monkeypatch, method, path):
    import psycopg

    monkeypatch.setattr(arrivals.ARRIVALS, "_buckets", arrivals.Buckets(3, 0.05, ADDRESSES))
    answers = [await house.browser().send(method, "/api/v3" + path, json={}) for _ in range(6)]
    assert [answer.status_code for answer in answers].count(429) == 3
    assert int(answers[-1].headers["retry-after"]) >= 1
    with psycopg.connect(owner_url) as owner:
        table = "iam.login_attempts" if method == "GET" else "iam.device_grants"
        assert owner.execute(f"select count(*) from {table}".encode()).fetchone()[0] == 3
