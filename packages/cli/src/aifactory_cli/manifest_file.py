"""The YAML of `aif apply`: read and checked as a whole before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aifactory_cli.failure import usage

FILE_LIMIT_BYTES = 1024 * 1024
DOCUMENTS_LIMIT = 200


@dataclass(frozen=True)
class Kind:
    """One kind of document: where it lives, which fields it may and must have."""

    path: str
    required: dict[str, type]
    optional: dict[str, type]


# In the order in which they are applied: what others need comes first.
KINDS = {
    "Project": Kind("/projects", {"name": str}, {}),
    "SshKey": Kind("/ssh-keys", {"name": str}, {"public_key": str, "file": str}),
    "Volume": Kind("/volumes", {"name": str, "size_gb": int}, {"region_id": str, "project": str}),
    "Allocation": Kind(
        "/allocations",
        {"name": str, "sku": str},
        {
            "region_id": str, "project": str, "count": int, "image": str, "mode": str, "labels": dict,
            "ssh_keys": list, "volumes": list,
        },
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """One wanted object. `place` names it in messages: `document 2 (Volume data)`."""

    kind: str
    fields: dict[str, Any]
    place: str

    @property
    def name(self) -> str:
        return str(self.fields["name"])


def read(source: str, stdin: TextIO) -> list[Document]:
    """All documents of a file (`-` is standard input), in the order in which they must be applied."""
    import yaml

    try:
        text = stdin.read(FILE_LIMIT_BYTES + 1) if source == "-" else _text(Path(source).expanduser())
        found = [document for document in yaml.safe_load_all(text) if document is not None]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise usage("file", f"Cannot read {source}: {reason}", "Name a YAML file.", "file_unreadable") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise usage("file", f"{source} is not YAML: {reason}", "Correct it at that line.", "invalid_yaml") from None
    if not found or len(found) > DOCUMENTS_LIMIT:
        raise usage("file", f"{source} holds {len(found)} documents", f"Write 1 to {DOCUMENTS_LIMIT}.", "no_documents")
    documents = [_document(number, raw) for number, raw in enumerate(found, 1)]
    _refuse_doubles(documents)
    order = list(KINDS)
    return sorted(documents, key=lambda document: order.index(document.kind))


def _text(path: Path) -> str:
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise usage("file", f"{path} is larger than {FILE_LIMIT_BYTES} bytes", "Split it.", "file_too_large")
    return path.read_text(encoding="utf-8")


def _document(number: int, raw: Any) -> Document:
    place = f"document {number}"
    if not isinstance(raw, dict):
        raise usage(place, f"{place} is not an object", "Start it with `kind:` and `name:`.", "invalid_document")
    kind = raw.get("kind")
    if kind not in KINDS:
        todo = f"Use one of {', '.join(KINDS)}."
        raise usage(f"{place}.kind", f"{place} is of unknown kind {kind!r}", todo, "unknown_kind")
    place = f"{place} ({kind} {raw.get('name')})"
    fields = {str(key): value for key, value in raw.items() if key != "kind"}
    _check_fields(place, KINDS[kind], fields)
    if kind == "SshKey" and ("public_key" in fields) == ("file" in fields):
        raise usage(f"{place}.public_key", f"{place} needs a key", "Give public_key or file.", "missing_field")
    return Document(kind, fields, place)


def _check_fields(place: str, kind: Kind, fields: dict[str, Any]) -> None:
    known = kind.required | kind.optional
    for field in fields:
        if field not in known:
            raise usage(
                f"{place}.{field}", f"{place} has no field {field!r}", f"Known: {', '.join(known)}.", "unknown_field"
            )
    for field in kind.required:
        if field not in fields:
            raise usage(f"{place}.{field}", f"{place} lacks {field}", f"Add `{field}:`.", "missing_field")
    for field, value in fields.items():
        if not isinstance(value, known[field]) or isinstance(value, bool):
            title = f"{place}: {field} is {type(value).__name__}, not {known[field].__name__}"
            raise usage(f"{place}.{field}", title, f"Write a {known[field].__name__}.", "invalid_field")


def _refuse_doubles(documents: list[Document]) -> None:
    seen: set[tuple[str, str]] = set()
    for document in documents:
        identity = (document.kind, document.name)
        if identity in seen:
            title = f"{document.place} is there twice"
            raise usage(document.place, title, "Objects are known by kind and name; keep one.", "double_document")
        seen.add(identity)
