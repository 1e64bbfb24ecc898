"""Ranking: what can be had at once, then the same elsewhere, then what is alike."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aifactory.domains.provisioning.offers import CatalogItem, Resources, Silicon, rank


def an_item(sku="a.1", region="here", vcpus=1.0, memory=1.0, available=1, price="0.10", kind="cpu", gpus=0):
    return CatalogItem(
        sku=sku,
        name=sku,
        description="",
        kind="compute",
        silicon=Silicon("any", "any", kind, None, "", ""),
        resources=Resources(vcpus, memory, gpus),
        region_id=region,
        price={"amount": price, "currency": "EUR"},
        price_unit="hour",
        next_price=None,
        available=available,
        capacity=max(available, 1),
        unavailable_reason=None if available else "all its slots are in use",
        isolation=None,
        simulated=False,
    )


def order(items, wanted=None, region="here"):
    return [(offer.sku, offer.region_id) for offer in rank(wanted or an_item(), region, items)]


def test_the_same_sku_elsewhere_comes_before_something_similar_here():
    items = [an_item("b.1", "here"), an_item("a.1", "there"), an_item("c.1", "there")]
    assert order(items) == [("a.1", "there"), ("b.1", "here"), ("c.1", "there")]


def test_what_is_free_now_comes_before_what_is_not():
    items = [an_item("a.1", "here", available=0), an_item("b.8", "there", vcpus=8)]
    assert order(items) == [("b.8", "there"), ("a.1", "here")]
    assert rank(an_item(), "here", items)[1].reason == "what you asked for, all its slots are in use"


def test_alike_comes_before_cheap_and_cheap_before_dear():
    items = [an_item("b.8", vcpus=8, price="0.01"), an_item("c.1", price="0.30"), an_item("d.1", price="0.20")]
    assert order(items) == [("d.1", "here"), ("c.1", "here"), ("b.8", "here")]


def test_other_silicon_is_no_substitute():
    assert order([an_item("g.1", kind="gpu", gpus=1)]) == []


items = st.builds(
    an_item,
    sku=st.sampled_from(["a.1", "b.1", "c.2"]),
    region=st.sampled_from(["here", "there"]),
    vcpus=st.floats(0.5, 64),
    memory=st.floats(0.5, 512),
    available=st.integers(0, 3),
    price=st.decimals(Decimal("0.01"), 10, places=2).map(str),
)


@given(st.lists(items, max_size=12))
def test_ranks_are_dense_and_free_offers_lead(given_items):
    ranked = rank(an_item(), "here", given_items)
    assert [offer.rank for offer in ranked] == list(range(1, len(ranked) + 1))
    free = [offer.available > 0 for offer in ranked]
    assert free == sorted(free, reverse=True)
