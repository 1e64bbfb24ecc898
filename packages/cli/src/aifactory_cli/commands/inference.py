"""`aif models` and `aif chat`: what is sold by the token, and a conversation with it through the gateway."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import httpx

from aifactory_cli import profiles, views
from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, Failure, failure_of, printable, usage
from aifactory_cli.output import show_list, show_one
from aifactory_cli.session import Session, pass_session

KEY_LIFE = timedelta(days=1)
KEY_LEFT = timedelta(minutes=5)  # with less left another one is made
NEW_KEY_SECONDS = 5.0  # gateways hear of a new key within a second
TIMEOUT = httpx.Timeout(120.0, connect=5.0)
LINE_LIMIT_BYTES = 10 * 1024**2
Message = dict[str, str]


@click.command(cls=AifCommand)
@click.argument("model", metavar="[MODEL]", required=False)
@pass_session
def models(session: Session, model: str | None) -> None:
    """Models to call with OpenAI's clients, and what a million tokens cost. Needs no sign-in."""
    if model is not None:
        show_one(session, session.public_api.get(f"/models/{_plain(model)}"), views.MODEL)
        return
    found = session.public_api.get("/models")
    show_list(session, found, views.MODELS, empty="No models are offered here.")
    if session.output == "table" and found.get("items") and found.get("base_url"):
        click.echo(
            f"\nCall them at {found['base_url']} with a key of `aif keys create`; try one: aif chat MODEL HELLO",
            err=True,
        )


@click.command(cls=AifCommand)
@click.argument("model", metavar="MODEL")
@click.argument("prompt", metavar="[PROMPT]...", nargs=-1)
@click.option("--system", metavar="TEXT", help="How the model shall behave.")
@click.option("--max-tokens", type=click.IntRange(1, 1_000_000), help="The longest answer.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="0: always the same; higher: more varied.")
@click.option("--key", metavar="TEXT", help="An API key (default: AIF_API_KEY, or one that is made for this sign-in).")
@pass_session
def chat(
    session: Session, model: str, prompt: tuple[str, ...], system: str | None, key: str | None, **options: Any
) -> None:
    """Talk to a model. Without PROMPT it is read from the input; on a terminal that is a conversation.

    \b
    aif chat smollm2-135m Name three colours.
    git diff | aif chat MODEL --system 'Review this change.'
    """
    call = Call(
        session, model, key or os.environ.get("AIF_API_KEY"), {k: v for k, v in options.items() if v is not None}
    )
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    if prompt:
        call.say([*messages, {"role": "user", "content": " ".join(prompt)}])
    elif not sys.stdin.isatty():
        text = sys.stdin.read().strip()
        if not text:
            raise usage("prompt", "There is nothing to say", "Give PROMPT, or something on the input.", "empty_prompt")
        call.say([*messages, {"role": "user", "content": text}])
    else:
        _converse(call, messages)


def _converse(call: Call, messages: list[Message]) -> None:
    click.echo("Ctrl-D ends it.", err=True)
    while True:
        try:
            said = input("> ").strip()
        except EOFError:
            click.echo()
            return
        if said:
            messages.append({"role": "user", "content": said})
            messages.append({"role": "assistant", "content": call.say(messages)})


class Call:
    """Calls to one model, with a key of the sign-in's own unless one was given."""

    def __init__(self, session: Session, model: str, key: str | None, options: dict[str, Any]) -> None:
        self._session = session
        self._model = model
        self._options = options
        self._base = str(session.public_api.get("/models").get("base_url") or "")
        if not self._base:
            title = "This installation has no gateway"
            raise Failure(Exit.REFUSED, "no_gateway", title, "", "Ask its operator where models are called.")
        self._is_new = False
        self._key = key or self._own_key()

    def say(self, messages: list[Message]) -> str:
        """Prints the answer as it comes, or the whole of it for programs; returns its text."""
        if self._session.output != "table":
            answer = self._whole(messages)
            show_one(self._session, answer, [])
            return str(answer["choices"][0]["message"].get("content") or "")
        parts: list[str] = []
        for part in self._pieces(messages):
            parts.append(part)
            click.echo(printable_text(part), nl=False)
            sys.stdout.flush()
        click.echo()
        return "".join(parts)

    def _own_key(self) -> str:
        profile = self._session.profile
        kept = profiles.gateway_key(profile.name, profile.host)
        if kept.get("secret") and _still_good(str(kept.get("expires_at") or "")):
            return str(kept["secret"])
        ends = (datetime.now(UTC) + KEY_LIFE).isoformat()
        made = self._session.api.post("/keys", {"name": "aif chat", "scopes": ["inference.use"], "expires_at": ends})
        profiles.save_gateway_key(profile.name, profile.host, made)
        self._is_new = True
        return str(made["secret"])

    def _whole(self, messages: list[Message]) -> dict[str, Any]:
        with closing(self._sent({"messages": messages})) as answer:
            content: dict[str, Any] = json.loads(answer.read())
            return content

    def _pieces(self, messages: list[Message]) -> Iterator[str]:
        with closing(self._sent({"messages": messages, "stream": True})) as answer:
            for line in answer.iter_lines():
                if len(line) > LINE_LIMIT_BYTES or not line.startswith("data:") or line == "data: [DONE]":
                    continue
                event = json.loads(line[5:])
                if "error" in event:
                    raise _failed(500, event)
                for choice in event.get("choices") or ():
                    yield str((choice.get("delta") or {}).get("content") or "")

    def _sent(self, body: dict[str, Any]) -> httpx.Response:
        """A key that was just made is tried again until the gateway has heard of it."""
        until = time.monotonic() + (NEW_KEY_SECONDS if self._is_new else 0.0)
        while True:
            answer = self._once({"model": self._model, **self._options, **body})
            if answer.status_code == 200:
                return answer
            content = answer.read()
            answer.close()
            if answer.status_code != 401 or time.monotonic() > until:
                raise _failed(answer.status_code, _json(content))
            time.sleep(0.2)

    def _once(self, body: dict[str, Any]) -> httpx.Response:
        http = httpx.Client(timeout=TIMEOUT, trust_env=False)
        heads = {"Authorization": f"Bearer {self._key}"}
        try:
            return http.send(
                http.build_request("POST", f"{self._base}/chat/completions", json=body, headers=heads), stream=True
            )
        except httpx.TransportError as error:
            detail = " ".join(str(error).split()) or type(error).__name__
            todo = "Check that the gateway runs: `aif status`."
            raise Failure(Exit.UNREACHABLE, "gateway_unreachable", f"Cannot reach {self._base}", detail, todo) from None


def printable_text(part: str) -> str:
    """A model's words with their lines, without what would move a terminal."""
    return "\n".join(printable(line) for line in part.split("\n"))


def _still_good(expires_at: str) -> bool:
    try:
        return datetime.fromisoformat(expires_at) - datetime.now(UTC) > KEY_LEFT
    except (ValueError, TypeError):
        return False


def _failed(status: int, body: Any) -> Failure:
    """The gateway speaks OpenAI's dialect: {"error": {"message", "code"}}."""
    error = body.get("error") if isinstance(body, dict) else None
    said = error if isinstance(error, dict) else {}
    problem = {
        "title": "The gateway refused",
        "detail": said.get("message") or "",
        "code": said.get("code") or "refused",
    }
    return failure_of(status, problem, "chat")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _plain(name: str) -> str:
    if not name or any(not (c.isascii() and (c.isalnum() or c in "._-")) for c in name):
        raise usage("model", f"{name!r} is no model's id", "`aif models` lists them.", "invalid_model")
    return name
