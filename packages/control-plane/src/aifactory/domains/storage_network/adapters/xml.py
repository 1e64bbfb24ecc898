"""The little XML that S3 and IAM speak."""

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.sax.saxutils import escape

MAX_BYTES = 8 * 1024 * 1024


def texts(document: bytes, *path: str) -> list[str]:
    """The texts of all elements with this name, at any depth, under each element of the names before it."""
    found = [_parsed(document)]
    for name in path:
        found = [child for element in found for child in element.iter() if _local(child.tag) == name]
    return [element.text or "" for element in found]


def records(document: bytes, name: str, *members: str) -> list[tuple[str, ...]]:
    """Each element of this name as the texts of its direct members, "" where one is missing."""
    rows = []
    for element in _parsed(document).iter():
        if _local(element.tag) == name:
            held = {_local(child.tag): child.text or "" for child in element}
            rows.append(tuple(held.get(member, "") for member in members))
    return rows


def deletion(objects: Iterable[tuple[str, str]]) -> bytes:
    """The body of S3's DeleteObjects for (key, version id); version id "" means the object itself."""
    items = "".join(
        f"<Object><Key>{escape(key)}</Key>"
        + (f"<VersionId>{escape(version)}</VersionId>" if version else "")
        + "</Object>"
        for key, version in objects
    )
    return f"<Delete><Quiet>true</Quiet>{items}</Delete>".encode()


def _parsed(document: bytes) -> ElementTree.Element:
    if len(document) > MAX_BYTES:
        raise ValueError("the answer is larger than any that was asked for")
    return ElementTree.fromstring(document)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
