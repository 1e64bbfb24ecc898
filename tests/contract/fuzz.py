"""Schemathesis against a running house, as one role: what it reached, and what it found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import schemathesis
from contract.belongings import Belongings
from contract.cast import A, Credential
from contract.decided import BEYOND_SCHEMA, DECIDED
from contract.examples import with_examples
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from aifactory.contracts.openapi import Json

Rewrite = Callable[[Any], None]

SEED = 20260
LOGOUT = "POST /api/v3/auth/logout"
SHOWN_CHARACTERS = 900
MADE_LIMIT = 3  # new things for each operation that destroys them: quotas are finite
PLACES = (ParameterLocation.PATH, ParameterLocation.QUERY, ParameterLocation.HEADER, ParameterLocation.BODY)
BODY_NAMES = {"allocation_id", "project_id", "tenant_id", "sku", "region_id", "url"}


@dataclass(frozen=True)
class Effort:
    """Which of Schemathesis's phases run, with how many generated requests for each operation."""

    phases: tuple[str, ...]
    requests: int


@dataclass
class Outcome:
    role: str
    never_sees: str = ""  # what belongs to another tenant
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    codes: set[str] = field(default_factory=set)
    findings: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        return sum(sum(counted.values()) for counted in self.statuses.values())

    @property
    def reached(self) -> set[str]:
        """Operations that did what they are for: a redirect is what signing in answers."""
        return {label for label, counted in self.statuses.items() if any(200 <= status < 400 for status in counted)}

    def row(self) -> str:
        broken = sum(count for counted in self.statuses.values() for status, count in counted.items() if status >= 500)
        return f"{self.role:15} {self.asked:9} {len(self.statuses):10} {len(self.reached):8} {len(self.codes):9} {broken:5} {len(self.findings):9}"


HEAD = f"{'role':15} {'requests':>9} {'operations':>10} {'reached':>8} {'problems':>9} {'5xx':>5} {'findings':>9}"


def wrong_places(case: Any) -> set[ParameterLocation]:
    """Where the case was made wrong on purpose."""
    return {place for place in PLACES if case.meta is not None and case.meta.is_negative_at(place)}


def whole(value: Any) -> Any:
    """JSON Schema calls 693.0 an integer; those who read strictly do not."""
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    if isinstance(value, list):
        return [whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


class AtHome:
    """Turns some of what was generated into what this house has, just before it is sent; the rest stays as it is.

    Only what fits the schema is changed: what is wrong on purpose stays wrong.
    """

    def __init__(self, credential: Credential, belongings: Belongings, client: httpx.Client) -> None:
        self._credential = credential
        self._belongings = belongings
        self._client = client
        self._asked: Counter[str] = Counter()
        self._made: Counter[str] = Counter()

    def __call__(self, case: Any) -> None:
        label = case.operation.label
        if label == LOGOUT and "Authorization" in case.headers:
            case.headers["Authorization"] = f"Bearer {self._credential.spare}"
        wrong = wrong_places(case)
        if ParameterLocation.HEADER not in wrong and "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = self._belongings.unique()
        self._asked[label] += 1
        if self._asked[label] % 4 == 0:  # one in four names what is nowhere
            return
        if ParameterLocation.PATH not in wrong:
            for name in case.path_parameters:
                case.path_parameters[name] = self._existing(case, name, bool(wrong)) or case.path_parameters[name]
        if ParameterLocation.BODY not in wrong and isinstance(case.body, dict):
            case.body = whole(case.body)
            for name in case.body.keys() & BODY_NAMES:
                case.body[name] = self._belongings.known(name)

    def _existing(self, case: Any, name: str, is_wrong: bool) -> str | None:
        label = case.operation.label
        is_last = name == list(case.path_parameters)[-1]
        if is_last and not is_wrong and self._made[label] < MADE_LIMIT:
            self._made[label] += 1
            if own := self._belongings.own(label, self._client):
                return own
        return self._belongings.known(name, case.operation.path)


def run(role: str, document: Json, settings: Json, effort: Effort, rewrite: Rewrite) -> Outcome:
    """Asks everything of that document. Deterministic but for what the house makes up itself, its identifiers and times."""
    outcome = Outcome(role, A if role in ("anonymous", "stranger") else "")
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(settings | _settings(effort)))
    with _rewritten_by(rewrite):
        for event in engine.from_schema(schema).execute():
            _note(event, outcome)
    return outcome


def run_as(credential: Credential, url: str, document: Json, belongings: Belongings, effort: Effort) -> Outcome:
    """The public API, as that role."""
    settings: Json = {"base-url": url, "headers": credential.headers}
    heads = credential.headers
    if credential.token:
        settings["auth"] = {"openapi": {"key": {"bearer": credential.token}}}
        heads = heads | {"Authorization": f"Bearer {credential.token}"}
    examples = with_examples(document, belongings)
    with httpx.Client(base_url=f"{url}/api/v3", headers=heads, timeout=30, trust_env=False) as client:
        return run(credential.role, examples, settings, effort, AtHome(credential, belongings, client))


def _settings(effort: Effort) -> Json:
    return {
        "seed": SEED,
        "workers": 1,
        "continue-on-failure": True,
        "request-timeout": 60,
        "cache": {"enabled": False},
        "checks": {"missing_required_header": {"expected-statuses": [400, 401, 403, 422, 428]}},
        "generation": {
            "max-examples": effort.requests,
            "deterministic": True,
            "no-shrink": True,
            "database": "none",
        },
        "phases": {
            name: {"enabled": name in effort.phases} for name in ("examples", "coverage", "fuzzing", "stateful")
        },
    }


@contextmanager
def _rewritten_by(rewrite: Rewrite) -> Iterator[None]:
    """This hook exists for the whole process only, so that it is taken back."""

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        rewrite(case)

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)


def _note(event: events.EngineEvent, outcome: Outcome) -> None:
    if isinstance(event, events.NonFatalError):
        outcome.findings[event.label, event.info.title, ""] = event.info.message[:SHOWN_CHARACTERS]
    if not isinstance(event, events.ScenarioFinished):
        return
    recorder = event.recorder
    for id, interaction in recorder.interactions.items():
        case, answer = recorder.cases[id].value, interaction.response
        if answer is None:
            outcome.findings[case.operation.label, "no answer", ""] = case.as_curl_command()
            continue
        if case.method.upper() != case.operation.method.upper():
            continue  # tries of other methods at the same address
        outcome.statuses[case.operation.label][answer.status_code] += 1
        if answer.status_code >= 400:
            outcome.codes.add(str(answer.json().get("code")))
        elif outcome.never_sees and outcome.never_sees.encode() in answer.content:
            outcome.findings[case.operation.label, "foreign", ""] = case.as_curl_command()
    for id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None and not _is_still_leaving(check.failure_info.failure, recorder):
                _note_failure(recorder.cases[id].value.operation.label, check, recorder.interactions.get(id), outcome)


def _is_still_leaving(failure: Any, recorder: Any) -> bool:
    """A deletion that was answered with 202 is a wish: the thing is shown until its flow has done it."""
    deletion = recorder.interactions.get(getattr(failure, "deleted_case_id", None))
    return deletion is not None and deletion.response is not None and deletion.response.status_code == 202


def _note_failure(label: str, check: Any, interaction: Any, outcome: Outcome) -> None:
    """One finding for each operation, check and problem."""
    failure = check.failure_info.failure
    answer = interaction.response if interaction else None
    code = str(answer.json().get("code")) if answer is not None and answer.status_code >= 400 else ""
    if (label, check.name) in DECIDED or (code in BEYOND_SCHEMA and check.name == "positive_data_acceptance"):
        return
    text = f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}"
    outcome.findings.setdefault((label, check.name, code), text[:SHOWN_CHARACTERS])
