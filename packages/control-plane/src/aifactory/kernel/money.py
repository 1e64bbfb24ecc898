"""Exact money: decimals with nine places in the ledger, rounded once per invoice line to the currency's minor unit."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

LEDGER_PLACES = Decimal("0.000000001")
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}  # ISO 4217; every other currency has two


def minor_unit(currency: str) -> Decimal:
    """The smallest amount one can pay in this currency, e.g. 0.01 for EUR."""
    return Decimal(1).scaleb(-_MINOR_DIGITS.get(currency, 2))


def quantize9(amount: Decimal) -> Decimal:
    """Rounds half-even to the ledger's nine places."""
    return amount.quantize(LEDGER_PLACES, ROUND_HALF_EVEN)


def round_minor(amount: Decimal, currency: str) -> Decimal:
    """Rounds half-even to the minor unit: what stands on an invoice line."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; arithmetic across currencies is an error, there is no implicit conversion."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> "Money":
        return cls(Decimal(amount), currency)

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")

    def wire(self) -> dict[str, str]:
        """`{"amount": "12.34", "currency": "EUR"}`; at least the minor unit's places, never an exponent."""
        places = max(
            -int(self.amount.normalize().as_tuple().exponent), -int(minor_unit(self.currency).as_tuple().exponent)
        )
        return {"amount": f"{self.amount:.{places}f}", "currency": self.currency}
