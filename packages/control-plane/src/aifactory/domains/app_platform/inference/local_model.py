"""The small model that comes with a single machine: offered once by administration, moved when its port did."""

from decimal import Decimal

from aifactory.domains.app_platform.inference import models, upstreams
from aifactory.domains.app_platform.inference.models import ModelFacts, ModelRoute, TokenPrices
from aifactory.domains.app_platform.store import models as store
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Tx
from aifactory.kernel.money import Money

MODEL, UPSTREAM, REGION = "smollm2-135m", "local-models", "local"
SERVED_AS = "smollm2-135m-instruct"
CONTEXT_TOKENS, ANSWER_TOKENS = 2_048, 512
INPUT_PRICE, OUTPUT_PRICE = Decimal("0.05"), Decimal("0.20")  # for a million tokens; operators set others from then on
AT_ONCE = 64  # more wait in the server's own queue than it computes at once
ABOUT = "A small model that runs on this machine's processor, for trying things out. Answers fast, knows little."


async def offer_local_model(tx: Tx, url: str) -> None:
    """The server of this machine is at `url`. Again it changes nothing; what operators changed of the model stays. Operator."""
    upstream_id = await store.upstream_named(tx, UPSTREAM)
    if upstream_id is None:
        wanted = upstreams.NewUpstream(UPSTREAM, REGION, url, max_requests=AT_ONCE)
        upstream_id = (await upstreams.create(tx, wanted)).id
    else:
        await upstreams.move(tx, upstream_id, url)
    if await store.model(tx, MODEL) is None:
        currency = (await platform_control.region(tx, REGION)).currency
        routes = [ModelRoute(upstream_id, SERVED_AS)]
        facts = ModelFacts("SmolLM2 135M", ABOUT, ["chat", "completions"], CONTEXT_TOKENS, ANSWER_TOKENS, routes)
        prices = TokenPrices(Money(INPUT_PRICE, currency), Money(OUTPUT_PRICE, currency))
        await models.offer(tx, MODEL, REGION, facts, prices)
