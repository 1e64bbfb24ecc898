"""Times that requests name: text as in RFC 3339, with an offset."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_BEGINS = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:")


def _as_text(value: Any) -> Any:
    """Pydantic also reads a number as seconds since 1970, which no contract of ours says: a typing error would be a time."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _BEGINS.match(value):
        raise PydanticCustomError("datetime_parsing", "a time as in RFC 3339 is needed, such as 2026-01-31T12:00:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_as_text)]
