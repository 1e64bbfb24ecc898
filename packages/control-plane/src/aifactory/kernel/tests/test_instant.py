"""A time in a request is text with an offset; what Pydantic would also guess is refused."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from aifactory.kernel.instant import Instant

INSTANT = TypeAdapter(Instant)


def test_an_offset_is_understood():
    assert INSTANT.validate_python("2026-01-31T14:00:00+02:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert INSTANT.validate_json('"2026-01-31T12:00:00Z"') == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "json", ["0", "1769860800", '"0"', '"1769860800"', '"2026-01-31"', '"2026-01-31T12:00:00"', "null"]
)
def test_a_number_a_day_and_a_time_without_offset_are_none(json):
    with pytest.raises(ValidationError):
        INSTANT.validate_json(json)
