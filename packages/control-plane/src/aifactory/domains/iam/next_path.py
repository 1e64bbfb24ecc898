"""Where a browser goes after signing in: only ever a page of our own.

An address is accepted if it is a plain path on this origin in every reading: as written, and after each round of
percent-decoding that some proxy or script on the way might do.
"""

from urllib.parse import unquote

from aifactory.kernel.errors import Problem

HOME = "/home"
MAX_LENGTH = 512
_ROUNDS = 4
_NOT_PAGES = ("/api/", "/internal/", "/dev-issuer/")


def safe_next(raw: str | None) -> str:
    """The path to go to (HOME without one); raises Problem 400 `invalid_next` for anything but a page of ours."""
    if not raw:
        return HOME
    end_of_path = min((raw.index(mark) for mark in "?#" if mark in raw), default=len(raw))
    path, rest = raw[:end_of_path], raw[end_of_path:]
    if len(raw) > MAX_LENGTH or not _is_plain_text(raw) or not unquote(rest, errors="replace").isprintable():
        raise _refused()
    for _ in range(_ROUNDS):
        if not _is_plain_path(path):
            raise _refused()
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return raw
        path = decoded
    raise _refused()


def _is_plain_text(text: str) -> bool:
    return "\\" not in text and all("!" <= character <= "~" for character in text)


def _is_plain_path(path: str) -> bool:
    if not path.startswith("/") or "//" in path or not _is_plain_text(path):
        return False
    if any(segment in (".", "..") for segment in path.split("/")):
        return False
    return not f"{path.lower()}/".startswith(_NOT_PAGES)


def _refused() -> Problem:
    return Problem(
        400,
        "invalid_next",
        "That is not a page of ours",
        "`next` must be a path on this site, such as /catalog.",
        field="next",
        todo="Start again from the sign-in page.",
    )
