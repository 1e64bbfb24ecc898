"""Names are bent as English bends them, and those that say nothing are refused."""

import pytest

from aifactory.generators.refusal import Refused
from aifactory.generators.words import checked, class_name, doing, done, singular, with_article


@pytest.mark.parametrize(
    ("verb", "now", "then"),
    [
        ("expire", "expiring", "expired"),
        ("publish", "publishing", "published"),
        ("verify", "verifying", "verified"),
        ("deploy", "deploying", "deployed"),
        ("stop", "stopping", "stopped"),
        ("drain", "draining", "drained"),
        ("send", "sending", "sent"),
        ("keep", "keeping", "kept"),
        ("free", "freeing", "freed"),
        ("tie", "tying", "tied"),
        ("submit", "submitting", "submitted"),
        ("fix", "fixing", "fixed"),
        ("allow", "allowing", "allowed"),
        ("cancel", "cancelling", "cancelled"),
    ],
)
def test_verbs_become_the_state_while_it_lasts_and_the_one_after(verb, now, then):
    assert (doing(verb), done(verb)) == (now, then)


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("annotations", "annotation"),
        ("policies", "policy"),
        ("boxes", "box"),
        ("classes", "class"),
        ("leases", "lease"),
        ("saved_views", "saved_view"),
    ],
)
def test_one_of_many(many, one):
    assert singular(many) == one


@pytest.mark.parametrize("word", ["status", "access", "data", "telemetry"])
def test_what_is_no_plural_is_not_taken_apart(word):
    with pytest.raises(Refused, match="NOUN="):
        singular(word)


@pytest.mark.parametrize(
    ("noun", "text"),
    [("annotation", "an annotation"), ("report", "a report"), ("unit", "a unit"), ("access_key", "an access key")],
)
def test_articles(noun, text):
    assert with_article(noun) == text


@pytest.mark.parametrize(
    "name", ["", "Upper", "1st", "a b", "a__b", "x" * 41, "class", "store", "data_manager", "../etc", "a;b", "ä"]
)
def test_names_that_cannot_be_names_here_are_refused(name):
    with pytest.raises(Refused, match="RESOURCE="):
        checked(name, "RESOURCE")


def test_a_name_with_hyphens_is_the_same_name():
    assert (checked("launch-templates", "RESOURCE"), class_name("launch_template")) == (
        "launch_templates",
        "LaunchTemplate",
    )
