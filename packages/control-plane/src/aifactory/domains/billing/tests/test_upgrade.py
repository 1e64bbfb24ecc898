"""A database with use in it is brought up to date, and nothing in it changes."""

import psycopg

from aifactory.kernel import migrate
from aifactory.testing.postgres import LOGIN_PASSWORDS, migration_places

PERIOD = """
insert into billing.usage_periods (tenant_id, subject_id, source_id, project_id, region_id, sku, name, opened_at, ends_at)
values ('tnt_1', 'bkt_1/bucket.egress/2027-03', 'bkt_1', 'prj_1', 'local', 'bucket.egress', 'b', '2027-03-01Z', '2027-04-01Z')
"""
RECORD = """
insert into billing.usage_records (tenant_id, source_id, sku, from_at, to_at, subject_id, price_id, quantity, recorded_by)
values ('tnt_1', 'bkt_1', 'bucket.egress', %(at)s, %(at)s::timestamptz + interval '1 minute', 'bkt_1/bucket.egress/2027-03', %(price)s, 7, 'test')
on conflict do nothing
"""
RECORDS = "select from_at, price_id, quantity from billing.usage_records order by from_at, price_id"
FIRST, SECOND = "price_00000000000000000000000be1", "price_00000000000000000000000bn1"
INSTANTS = ("2027-03-01 12:00Z", "2027-03-02 12:00Z", "2040-01-01 12:00Z")  # the last one: the partition of all others


def test_what_was_counted_before_tokens_were_sold_stays_as_it_is(postgres_server) -> None:
    everything = migrate.collect(migration_places())
    before = [one for one in everything if (one.schema, one.number) != ("billing", 12)]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database house_of_yesterday")
    url = postgres_server.url("house_of_yesterday")
    try:
        migrate.apply(url, before, LOGIN_PASSWORDS)
        with psycopg.connect(url) as connection:
            connection.execute(PERIOD)
            for at in INSTANTS:
                connection.execute(RECORD, {"at": at, "price": FIRST})
            counted = connection.execute(RECORDS).fetchall()
        assert migrate.apply(url, everything, LOGIN_PASSWORDS) == ["billing/0012_token_use.sql"]
        with psycopg.connect(url) as connection:
            assert connection.execute(RECORDS).fetchall() == counted
            for at in INSTANTS:
                assert connection.execute(RECORD, {"at": at, "price": FIRST}).rowcount == 0
                assert connection.execute(RECORD, {"at": at, "price": SECOND}).rowcount == 1
        assert migrate.apply(url, everything, LOGIN_PASSWORDS) == []
    finally:
        postgres_server.drop("house_of_yesterday")
