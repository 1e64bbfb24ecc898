"""How money stands in requests and answers: decimal text beside its currency, never a float."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

from aifactory.kernel.money import Money

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
_TEXT = {"type": "string", "pattern": r"^[+-]?\d{1,19}(\.\d{1,9})?$"}


def decimal_schema(**bounds: float) -> WithJsonSchema:
    """What Pydantic does not say of a Decimal: how its text looks. `bounds` are JSON Schema's, for a number."""
    return WithJsonSchema({"anyOf": [{"type": "number"} | bounds, _TEXT]}, mode="validation")


Amount = Annotated[
    Decimal,
    Field(max_digits=19, decimal_places=9, description="Decimal as text, such as 12.34"),
    decimal_schema(),
]


class MoneyView(BaseModel):
    """An amount in one currency."""

    amount: str = Field(examples=["12.34"])
    currency: Currency


def money(value: Money) -> MoneyView:
    return MoneyView(**value.wire())
