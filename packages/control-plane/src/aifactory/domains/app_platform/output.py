"""What an instance printed, put together from what was seen at different times. Pure."""

from dataclasses import dataclass

from aifactory.domains.app_platform.instance import MAX_LOG_BYTES


@dataclass(frozen=True)
class Output:
    """Bytes `start` to `end` of everything that was ever printed; what came before `start` is not kept."""

    data: bytes = b""
    start: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def then(self, more: "Output") -> "Output":
        """Both together, at most the last MAX_LOG_BYTES. A gap between them drops what came before it."""
        if more.end <= self.end:
            return self
        if more.start > self.end:
            data = more.data
        else:
            data = self.data + more.data[self.end - more.start :]
        data = data[-MAX_LOG_BYTES:]
        return Output(data, more.end - len(data))
