"""What an app prints, kept with a bound: two files, of which the older is dropped when the newer is full."""

from __future__ import annotations

from pathlib import Path

FILE_BYTES = 512 * 1024


class Output:
    """Offsets count every byte that was ever printed; at least the last FILE_BYTES of them can be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first, self._second = folder / "output.old", folder / "output"
        self._base = folder / "output.base"

    def write(self, data: bytes) -> None:
        """Append; the supervisor alone does."""
        size = self._size(self._second)
        if size and size + len(data) > FILE_BYTES:
            base = self._start_of_second() + size
            self._second.replace(self._first)
            self._base.write_text(str(base))
        with self._second.open("ab") as file:
            file.write(data)

    def end(self) -> int:
        """How many bytes were printed so far."""
        return self._start_of_second() + self._size(self._second)

    def since(self, offset: int) -> tuple[int, bytes]:
        """(where they begin, the bytes from there on): from `offset`, or from the oldest byte that is still kept."""
        middle = self._start_of_second()
        old = self._read(self._first) if middle else b""
        kept = old + self._read(self._second)
        oldest = middle - len(old)
        start = min(max(offset, oldest), oldest + len(kept))
        return start, kept[start - oldest :]

    def _start_of_second(self) -> int:
        text = self._read(self._base)
        return int(text) if text.isdigit() else 0

    @staticmethod
    def _size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            return path.read_bytes()[-2 * FILE_BYTES :]
        except OSError:
            return b""
