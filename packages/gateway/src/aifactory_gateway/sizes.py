"""How much a request can take at most, which is held, and how much it probably takes, which its key's rates are asked for."""

from __future__ import annotations

from aifactory_gateway.budget import cost
from aifactory_gateway.endpoints import Endpoint
from aifactory_gateway.request_body import Wish
from aifactory_protocol.gateway import GatewayModel

BYTES_PER_TOKEN = 4  # for rates, and where an upstream does not count
TEMPLATE_TOKENS = 256  # what a chat template may add to the caller's own text
ASSUMED_OUTPUT_TOKENS = 256  # for rates only, when the caller names no limit


def sizes(wish: Wish, endpoint: Endpoint, model: GatewayModel) -> tuple[int, int, int]:
    """Answers that are asked for, femtos that all of it costs at most, and tokens that it probably takes.

    A token of text has at least a byte; the tokens of pictures, sound and files are bounded by the context alone.
    """
    field = endpoint.limit_field
    limit = wish.limit(field)
    prompts = wish.prompts(endpoint.many) if endpoint.many else 1
    answers = wish.choices * prompts
    most_out = answers * (limit or model.max_output_tokens) if field is not None else 0
    if wish.has_media:
        most_in = model.context_tokens
    else:
        most_in = min(wish.size + prompts * TEMPLATE_TOKENS, prompts * model.context_tokens)
    likely_out = answers * (limit or ASSUMED_OUTPUT_TOKENS) if field is not None else 0
    return answers, cost(model.price, most_in, most_out), wish.size // BYTES_PER_TOKEN + likely_out
