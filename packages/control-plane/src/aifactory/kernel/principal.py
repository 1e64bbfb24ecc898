"""Who asks: a user, a key, a service of ours, a node's agent or a token gateway, with the roles it holds."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["user", "api_key", "service", "agent", "gateway", "anonymous"]


@dataclass(frozen=True, slots=True)
class Grant:
    """One relationship: this principal has `role` on `object` (`platform`, `tenant:tnt_…` or `project:prj_…`)."""

    role: str
    object: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of a transaction. `tenant_id` is the tenant it acts in, None outside any."""

    id: str
    kind: Kind
    name: str
    tenant_id: str | None = None
    grants: tuple[Grant, ...] = ()
    session_id: str | None = None
    key_id: str | None = None
    grant_version: int = 0
    scopes: tuple[str, ...] = ()
    suspended: bool = False  # the tenant it acts in is

    @property
    def is_operator(self) -> bool:
        return any(grant.object == "platform" for grant in self.grants)

    @classmethod
    def anonymous(cls) -> "Principal":
        return cls("anonymous", "anonymous", "anonymous visitor")

    @classmethod
    def service(cls, name: str) -> "Principal":
        return cls(f"service:{name}", "service", name)

    @classmethod
    def agent(cls, node_id: str) -> "Principal":
        return cls(node_id, "agent", f"agent of {node_id}")

    @classmethod
    def gateway(cls, gateway_id: str) -> "Principal":
        return cls(gateway_id, "gateway", f"gateway {gateway_id}")
