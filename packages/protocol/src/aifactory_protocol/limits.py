"""The bounds and shared field types of the agent protocol.

Every field that crosses the wire has a limit here: what is not bounded by the sender is bounded by the reader.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

MAX_BODY_BYTES = 1_048_576
MAX_TASK_BYTES = 65_536
MAX_TASKS_PER_POLL = 64
MAX_POLL_WAIT_SECONDS = 25
MAX_CLOCK_SKEW_SECONDS = 120
MAX_TASK_LIFE_SECONDS = 86_400

_ID = r"^[a-z][a-z0-9]{0,15}_[A-Za-z0-9-]{1,64}\Z"  # not $, which lets a line end pass

Id = Annotated[str, Meta(min_length=3, max_length=81, pattern=_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
Verb = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_.]*\Z")]
Code = Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*\Z")]
Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*\Z")]
User = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_][a-z0-9_-]*\Z")]
HostKey = Annotated[str, Meta(max_length=4_096, pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [ -~]*)?\Z")]
Word = Annotated[str, Meta(min_length=1, max_length=128)]
Sentence = Annotated[str, Meta(max_length=500)]
Detail = Annotated[str, Meta(max_length=4_000)]
Pem = Annotated[str, Meta(min_length=1, max_length=32_768)]
Key = Annotated[str, Meta(min_length=1, max_length=4_096)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Base64Url = Annotated[str, Meta(max_length=MAX_TASK_BYTES * 4 // 3 + 4, pattern=r"^[A-Za-z0-9_-]*\Z")]
Argument = Annotated[str, Meta(max_length=16_384, pattern=r"^[^\x00]*\Z")]
VariableName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Z][A-Z0-9_]*\Z")]
Path = Annotated[str, Meta(min_length=2, max_length=256, pattern=r"^/[A-Za-z0-9._/-]*\Z")]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
Ipv4 = Annotated[str, Meta(max_length=15, pattern=rf"^{_OCTET}(\.{_OCTET}){{3}}\Z")]
Cidr = Annotated[str, Meta(max_length=18, pattern=rf"^{_OCTET}(\.{_OCTET}){{3}}/(3[0-2]|[12]?[0-9])\Z")]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Instant = Annotated[datetime, Meta(tz=True)]
Generation = Annotated[int, Meta(ge=0, le=2**53)]
Bytes = Annotated[int, Meta(ge=0, le=2**60)]
SandboxBytes = Annotated[int, Meta(ge=33_554_432, le=2**50)]
"""Memory of a slot, and so of the sandbox on it: below 32 MiB nothing starts."""
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
SlotIndex = Annotated[int, Meta(ge=0, le=4_095)]
Millis = Annotated[int, Meta(ge=1, le=1_000_000)]
Pids = Annotated[int, Meta(ge=8, le=1_000_000)]
Sentences = Annotated[list[Sentence], Meta(max_length=32)]
