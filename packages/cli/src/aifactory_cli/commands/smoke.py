"""`aif smoke [DOMAIN]`: every domain's own checks, asked through the same public API that everybody uses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, usage
from aifactory_cli.output import Column, duration, show_list
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain

COLUMNS: list[Column] = [(key, plain(key)) for key in ("domain", "check", "result", "took", "detail", "do")]
OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"


@dataclass(frozen=True)
class Caller:
    """In whose name checks are asked: `permissions` is None without a sign-in."""

    session: Session
    permissions: frozenset[str] | None

    def why_not(self, permission: str) -> str:
        """Why a check cannot be asked; empty when it can."""
        if permission == "public":
            return ""
        if self.permissions is None:
            return "needs a sign-in"
        if permission != "signed_in" and permission not in self.permissions:
            return f"needs {permission}"
        return ""


@click.command(cls=AifCommand)
@click.argument("domain", required=False)
@pass_session
def smoke(session: Session, domain: str | None) -> int:
    """Ask DOMAIN, or every domain, what it says must hold. Exit 1 if something does not.

    Nothing is bought and nothing is changed. Sign in first for the checks of your tenant, as an operator for the
    platform's.
    """
    checks = session.public_api.get("/smoke")["items"]
    known = sorted({check["domain"] for check in checks})
    if domain is not None and domain not in known:
        raise usage("domain", f"There is no domain {domain!r}", f"Known: {', '.join(known)}.", "unknown_domain")
    caller = Caller(session, _permissions(session))
    results = [_run(caller, check) for check in checks if domain in (None, check["domain"])]
    show_list(session, {"items": results, "next_cursor": None}, COLUMNS, empty="No checks.")
    return Exit.UNEXPECTED if any(result["result"] == FAILED for result in results) else Exit.OK


def _permissions(session: Session) -> frozenset[str] | None:
    if not session.profile.token:
        return None
    _, found = session.api.probe("/api/v3/auth/session")
    return frozenset(found.get("permissions") or ()) if isinstance(found, dict) else frozenset()


def _run(caller: Caller, check: dict[str, Any]) -> dict[str, Any]:
    told = {
        "domain": check["domain"],
        "check": check["name"],
        "result": OK,
        "took": "",
        "detail": check["proves"],
        "do": "",
    }
    reason = caller.why_not(check["permission"])
    if reason:
        return {**told, "result": SKIPPED, "detail": reason}
    api = caller.session.public_api if check["permission"] == "public" else caller.session.api
    began = time.monotonic()
    status, answer = api.probe(check["path"])
    told["took"] = duration(round(time.monotonic() - began, 1))
    wrong = _wrong(check, status, answer)
    return {**told, "result": FAILED, "detail": wrong, "do": _todo(check, answer)} if wrong else told


def _wrong(check: dict[str, Any], status: int, answer: Any) -> str:
    """What is not as it must be, in a sentence; empty when all is well."""
    if status != check["status"]:
        said = f": {answer.get('detail') or answer.get('title')}" if isinstance(answer, dict) and status >= 400 else ""
        return f"{check['path']} answered {status}, not {check['status']}{said}"
    member, wanted = check["member"], check["equals"]
    if not member:
        return ""
    found = answer.get(member) if isinstance(answer, dict) else None
    if wanted is None:
        return "" if found else f"{check['path']}: {member} is empty"
    return "" if found == wanted else f"{check['path']}: {member} is {found!r}, not {wanted!r}"


def _todo(check: dict[str, Any], answer: Any) -> str:
    if check["runbook"]:
        return f"aif admin runbook {check['runbook']}"
    todo = answer.get("todo") if isinstance(answer, dict) else ""
    return todo or f"ask the team of {check['domain']} (aif domains)"
