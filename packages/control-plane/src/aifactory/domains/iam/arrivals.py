"""How often one address may begin to sign in: each beginning writes a row before it is known who comes."""

from aifactory.kernel.errors import Problem
from aifactory.kernel.rates import Buckets

MOST, PER_SECONDS = 300, 60.0  # an office behind one address signs in; a script that floods does not
ADDRESSES = 10_000


class Arrivals:
    """A bucket of `MOST` for each address, refilled evenly over `PER_SECONDS`; the addresses seen last are remembered."""

    def __init__(self) -> None:
        self._buckets = Buckets(MOST, MOST / PER_SECONDS, ADDRESSES)

    def take(self, address: str, now: float) -> None:
        """`now`: seconds of a clock that never goes back. Raises Problem 429 with the seconds to wait."""
        seconds = self._buckets.take(address, 1, now)
        if seconds > 0:
            raise Problem(
                429,
                "too_many_sign_ins",
                "Too many sign-ins were begun from your address",
                f"At most {MOST} within {PER_SECONDS:g} seconds.",
                todo="Wait a few seconds, then begin again.",
                retry_after_seconds=1 + int(seconds),
            )


ARRIVALS = Arrivals()
