"""Which addresses take inference requests, in which dialect, and what of an upstream each needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from aifactory_gateway.dialects.anthropic import ANTHROPIC
from aifactory_gateway.dialects.dialect import OPENAI, Dialect
from aifactory_protocol.gateway import Capability


@dataclass(frozen=True)
class Endpoint:
    """`path` below an upstream's address. `limit_field`: the member that bounds the answer, None when it has no text.
    `many`: the member that may hold several prompts, each of which is answered. `model`: what the address named."""

    capability: Capability
    path: str
    limit_field: str | None
    many: str = ""
    dialect: Dialect = OPENAI
    model: str | None = None


_OPENAI = {
    b"chat/completions": Endpoint("chat", "/chat/completions", "max_tokens"),
    b"completions": Endpoint("completions", "/completions", "max_tokens", "prompt"),
    b"responses": Endpoint("responses", "/responses", "max_output_tokens"),
    b"embeddings": Endpoint("embeddings", "/embeddings", None, "input"),
    b"rerank": Endpoint("rerank", "/rerank", None, "documents"),
}
_FIXED = {b"/v1/" + path: endpoint for path, endpoint in _OPENAI.items()} | {
    b"/v1/messages": Endpoint("chat", "/chat/completions", "max_tokens", dialect=ANTHROPIC)
}
_AZURE = re.compile(rb"/openai/deployments/([^/]{1,600})/([a-z/]{1,64})")


def endpoint_at(path: bytes) -> Endpoint | None:
    """None: this address takes no inference requests. Azure's `/openai/deployments/{model}/…` names the model itself."""
    found = _FIXED.get(path)
    if found is not None:
        return found
    match = _AZURE.fullmatch(path)
    if match is None or match[2] not in _OPENAI:
        return None
    base = _OPENAI[match[2]]
    model = unquote_to_bytes(match[1]).decode(errors="replace")
    return replace(base, model=model)
