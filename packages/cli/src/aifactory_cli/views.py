"""What people see of each kind of object: columns of its list, rows of one of it."""

from __future__ import annotations

from typing import Any

from aifactory_cli.output import Column, duration, local_time, text


def _access(item: dict[str, Any]) -> str:
    ssh = (item.get("access") or {}).get("ssh") or {}
    return f"aif ssh {item.get('name') or item.get('id')}" if ssh else ""


def _volumes(item: dict[str, Any]) -> str:
    return "\n".join(
        f"{volume.get('name')} ({volume.get('size_gb')} GB) at {volume.get('mount_path')}"
        for volume in item.get("volumes") or []
    )


def _why_not(item: dict[str, Any]) -> str:
    trouble = item.get("refusal") or item.get("failure") or {}
    return f"{trouble.get('detail')} ({trouble.get('code')})" if trouble else item.get("release_reason") or ""


def _ports(rule: dict[str, Any]) -> str:
    first, last = rule.get("first_port"), rule.get("last_port")
    if first is None:
        return "all"
    return str(first) if last in (None, first) else f"{first}-{last}"


def _peer(rule: dict[str, Any]) -> str:
    for kind, member in (("network", "network_id"), ("group", "security_group_id")):
        if rule.get(member):
            return f"{kind}:{rule[member]}"
    return str(rule.get("cidr") or "")


def conditions(item: dict[str, Any]) -> str:
    return "\n".join(
        f"{condition.get('type')}={text(condition.get('status'))}  {condition.get('message') or ''}".rstrip()
        for condition in item.get("conditions") or []
    )


def _isolation(item: dict[str, Any]) -> str:
    isolation = item.get("isolation") or {}
    if not isolation:
        return ""
    parts = [f"{isolation.get('driver')}: isolates {text(isolation.get('isolates'))}"]
    if isolation.get("not_isolated"):
        parts.append(f"does not isolate {text(isolation['not_isolated'])}")
    return "\n".join(parts)


def when(key: str) -> Any:
    return lambda item: local_time(item.get(key))


def plain(key: str) -> Any:
    return lambda item: item.get(key)


ALLOCATIONS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("state", plain("state")),
    ("sku", plain("sku")),
    ("region", plain("region_id")),
    ("node", plain("node_id")),
    ("cost so far", plain("running_cost")),
    ("created", when("created_at")),
]
ALLOCATION: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("state", plain("state")),
    ("why", _why_not),
    ("sku", plain("sku")),
    ("mode", plain("mode")),
    ("project", plain("project_id")),
    ("region", plain("region_id")),
    ("node", plain("node_id")),
    ("price", lambda item: f"{text(item['price'])} per hour" if item.get("price") else ""),
    ("cost so far", plain("running_cost")),
    ("volumes", _volumes),
    ("isolation", _isolation),
    ("conditions", conditions),
    ("created", when("created_at")),
    ("active since", when("activated_at")),
    ("release asked", when("release_requested_at")),
    ("released", when("released_at")),
    ("log in with", _access),
]
TRANSITIONS: list[Column] = [
    ("#", plain("seq")),
    ("when", when("at")),
    ("from", plain("from_state")),
    ("to", plain("to_state")),
    ("took", lambda item: duration(item.get("seconds"))),
    ("by", plain("who")),
    ("why", plain("why")),
]
SSH_KEYS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("fingerprint", plain("fingerprint")),
    ("created", when("created_at")),
]
VOLUMES: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("size", lambda item: f"{item.get('size_gb')} GB"),
    ("state", plain("state")),
    ("region", plain("region_id")),
    ("attached to", plain("attached_to")),
    ("created", when("created_at")),
]
PROJECTS: list[Column] = [("id", plain("id")), ("name", plain("name")), ("created", when("created_at"))]
KEYS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("scopes", plain("scopes")),
    ("expires", when("expires_at")),
    ("created", when("created_at")),
]
APPS: list[Column] = [
    ("app", plain("name")),
    ("version", plain("version")),
    ("kind", plain("kind")),
    ("title", plain("title")),
    ("summary", plain("summary")),
]
APP: list[Column] = [
    *APPS,
    ("versions", plain("versions")),
    ("publisher", plain("publisher")),
    ("parameters", lambda item: "\n".join(_parameter(item, name) for name in item.get("parameters") or {})),
    ("needs", lambda item: f"{item.get('memory_mb')} MB of memory"),
    ("idle stop", lambda item: f"{item['autostop_minutes']} minutes" if item.get("autostop_minutes") else "never"),
]
INSTANCES: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("app", lambda item: f"{item.get('app')} {item.get('app_version')}"),
    ("state", plain("state")),
    ("exit code", plain("exit_code")),
    ("allocation", plain("allocation_id")),
    ("created", when("created_at")),
]
INSTANCE: list[Column] = [
    *INSTANCES,
    ("kind", plain("kind")),
    ("why", lambda item: (item.get("failure") or {}).get("detail") or item.get("stop_reason") or ""),
    ("parameters", plain("parameters")),
    ("idle stop", lambda item: f"{item['autostop_minutes']} minutes" if item.get("autostop_minutes") else "never"),
    ("started", when("started_at")),
    ("last active", when("last_active_at")),
    ("ended", when("ended_at")),
]


def _parameter(item: dict[str, Any], name: str) -> str:
    known = item["parameters"][name]
    need = "needed" if name in (item.get("required") or []) else f"default {known.get('default')}"
    return f"{name}: {known.get('type')}, {need}. {known.get('description') or known.get('title') or ''}".rstrip()


def size(count: Any) -> str:
    """Bytes for people, in decimal units."""
    if not isinstance(count, int):
        return ""
    for unit, amount in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= amount:
            return f"{count / amount:.3g} {unit}" if count < 1000 * amount else f"{count // amount} {unit}"
    return f"{count} B"


def _used(key: str) -> Any:
    return lambda item: size((item.get("usage") or {}).get(key))


NETWORKS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("addresses", plain("cidr")),
    ("region", plain("region_id")),
    ("state", plain("state")),
    ("created", when("created_at")),
]
SECURITY_GROUPS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("rules", lambda item: str(len(item.get("rules") or []))),
    ("state", plain("state")),
    ("created", when("created_at")),
]
RULES: list[Column] = [
    ("#", plain("number")),
    ("direction", plain("direction")),
    ("protocol", plain("protocol")),
    ("ports", _ports),
    ("peer", _peer),
]
ATTACHMENTS: list[Column] = [
    ("allocation", plain("allocation_id")),
    ("address", plain("address")),
    ("groups", lambda item: "\n".join(item.get("security_group_ids") or [])),
    ("applied", lambda item: "yes" if item.get("applied") else "not yet"),
    ("node", plain("node_id")),
]
PUBLISHED_PORTS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("state", plain("state")),
    ("address", plain("address")),
    ("port inside", plain("port")),
    ("allocation", plain("allocation_id")),
]
BUCKETS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("state", plain("state")),
    ("holds", _used("bytes_stored")),
    ("quota", lambda item: size(item.get("quota_bytes"))),
    ("region", plain("region_id")),
    ("created", when("created_at")),
]
BUCKET: list[Column] = [
    *BUCKETS[:-1],
    ("written", _used("received_bytes")),
    ("read", _used("sent_bytes")),
    ("measured", lambda item: local_time((item.get("usage") or {}).get("as_of"))),
    ("access", plain("access")),
    ("versioning", plain("versioning")),
    ("endpoint", plain("endpoint")),
    ("bucket", plain("bucket")),
    ("conditions", conditions),
    ("created", when("created_at")),
]
BUCKET_KEYS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("mode", plain("mode")),
    ("state", plain("state")),
    ("access key", plain("access_key_id")),
    ("created", when("created_at")),
]
NEW_BUCKET_KEY: list[Column] = [
    *BUCKET_KEYS,
    ("secret", plain("secret_access_key")),
    ("endpoint", plain("endpoint")),
    ("bucket", plain("bucket")),
]


def counted(item: dict[str, Any]) -> str:
    """What a line of usage or of the bill counts: time, or bytes, or bytes held for a time, or tokens."""
    quantity, unit = item.get("quantity"), item.get("unit")
    if quantity is None:
        return duration(item.get("seconds"))
    if unit == "gb_month":
        return f"{int(quantity) / (10**9 * 3600):.6g} GB hours"
    return f"{int(quantity):,} tokens" if unit == "million_tokens" else size(int(quantity))


def price(item: dict[str, Any]) -> str:
    units = {"gb_month": "GB month", "gb": "GB", "gb_hour": "GB hour", "million_tokens": "million tokens"}
    unit = units.get(item.get("unit") or "", "hour")
    return f"{text(item.get('price_per_hour'))} / {unit}"


def _per_million(which: str) -> Any:
    return lambda item: text((item.get("prices") or {}).get(which))


MODELS: list[Column] = [
    ("model", plain("id")),
    ("name", plain("name")),
    ("for", plain("capabilities")),
    ("context", plain("context_tokens")),
    ("million tokens in", _per_million("input")),
    ("million tokens out", _per_million("output")),
]
MODEL: list[Column] = [
    ("model", plain("id")),
    ("name", plain("name")),
    ("about", plain("description")),
    ("region", plain("region_id")),
    ("for", plain("capabilities")),
    (
        "context",
        lambda item: f"{item.get('context_tokens')} tokens, of which at most {item.get('max_output_tokens')} answer",
    ),
    ("million tokens in", _per_million("input")),
    ("million tokens out", _per_million("output")),
]
