"""Checks come from the host, are asked in the right name, and a failing one says what is wrong and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest


def check(name: str, path: str = "/api/v3/regions", **changes: Any) -> dict[str, Any]:
    plain = {
        "domain": "platform_control", "name": name, "path": path, "proves": "it is there", "status": 200,
        "permission": "public", "member": "", "equals": None, "runbook": "",
    }  # fmt: skip
    return plain | changes


@pytest.fixture
def factory(host: Any, answers: Any) -> Any:
    """`factory(checks…)` is a host that lists them; the caller may read its audit log."""

    def made(*checks: dict[str, Any]) -> Any:
        host.on("GET", "/smoke", answers.Answer({"items": list(checks), "next_cursor": None}))
        host.on("GET", "/auth/session", answers.Answer({"authenticated": True, "permissions": ["audit.read"]}))
        return host

    return made


def results(ran: Any) -> dict[str, tuple[str, str, str]]:
    return {item["check"]: (item["result"], item["detail"], item["do"]) for item in json.loads(ran.out)["items"]}


def test_all_well_is_zero_and_each_check_is_asked_in_the_right_name(aif: Any, factory: Any, answers: Any) -> None:
    host = factory(
        check("regions", member="items"),
        check("a visitor is refused", "/api/v3/keys", status=401),
        check("audit", "/api/v3/audit/verify", permission="audit.read", member="ok", equals=True),
    )
    host.on("GET", "/regions", answers.Answer({"items": [1]}))
    host.on("GET", "/keys", answers.problem(401, "unauthenticated"))
    host.on("GET", "/audit/verify", answers.Answer({"ok": True}))
    ran = aif("smoke", "-o", "json")
    assert (ran.code, {result for result, *_ in results(ran).values()}) == (0, {"ok"}), ran.out
    asked = {each.path: each.headers.get("authorization") for each in host.asked}
    assert asked["/keys"] is None and asked["/regions"] is None and asked["/audit/verify"]


def test_what_fails_is_named_with_the_reason_and_what_to_do(aif: Any, factory: Any, answers: Any) -> None:
    host = factory(
        check("down", "/api/v3/offers", runbook="provisioning/node-stuck"),
        check("empty", "/api/v3/catalog", member="items"),
        check("unequal", "/api/v3/books", member="balanced", equals=True, runbook="billing/books-do-not-balance"),
        check("open door", "/api/v3/keys", status=401),
    )
    host.on("GET", "/offers", answers.problem(503, "database_unavailable", detail="The database does not answer."))
    host.on("GET", "/catalog", answers.Answer({"items": []}))
    host.on("GET", "/books", answers.Answer({"balanced": False}))
    host.on("GET", "/keys", answers.Answer({"items": []}))
    ran = aif("smoke", "-o", "json")
    found = results(ran)
    assert ran.code == 1
    assert found["down"][1:] == (
        "/api/v3/offers answered 503, not 200: The database does not answer.",
        "aif admin runbook provisioning/node-stuck",
    )
    assert found["empty"][1] == "/api/v3/catalog: items is empty" and "aif domains" in found["empty"][2]
    assert found["unequal"][1] == "/api/v3/books: balanced is False, not True"
    assert found["open door"][1] == "/api/v3/keys answered 200, not 401"


def test_what_the_caller_may_not_ask_is_skipped_and_says_why(aif: Any, factory: Any, answers: Any) -> None:
    factory(check("operators", "/api/v3/admin/health", permission="platform.health.read"))
    ran = aif("smoke", "-o", "json")
    assert (ran.code, results(ran)["operators"][:2]) == (0, ("skipped", "needs platform.health.read"))


def test_a_domain_is_asked_alone_and_one_that_is_none_is_refused(aif: Any, factory: Any, answers: Any) -> None:
    host = factory(check("regions"), check("wallet", "/api/v3/wallet", domain="billing"))
    host.on("GET", "/regions", answers.Answer({"items": []}))
    assert set(results(aif("smoke", "platform_control", "-o", "json"))) == {"regions"}
    ran = aif("smoke", "kitchen")
    assert (ran.code, "unknown_domain" in ran.err, "billing, platform_control" in ran.err) == (2, True, True)


def test_a_runbook_is_printed_as_text(aif: Any, host: Any, answers: Any) -> None:
    text = answers.Answer(b"# A node is unreachable\n\nLook.\n", 200, {"Content-Type": "text/markdown"})
    host.on("GET", "/runbooks/provisioning/node-stuck", text)
    assert aif("admin", "runbook", "provisioning/node-stuck").out == "# A node is unreachable\n\nLook.\n"
    assert aif("admin", "runbook", "provisioning/none").code == 5
