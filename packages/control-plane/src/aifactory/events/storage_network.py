"""What storage_network tells the other domains. Payloads carry ids and facts, units in the names."""

from dataclasses import dataclass

from aifactory.events import event


@event("storage_network.volume_created", 1)
@dataclass(frozen=True)
class VolumeCreated:
    """A volume was asked for, alone or by a launch."""

    volume_id: str
    project_id: str
    name: str
    size_gb: int
    region_id: str


@event("storage_network.volume_erasure_wanted", 1)
@dataclass(frozen=True)
class VolumeErasureWanted:
    """The volume's node must erase it; asked again with a higher generation until the node says that it is done."""

    volume_id: str
    node_id: str
    generation: int


@event("storage_network.volume_deleted", 1)
@dataclass(frozen=True)
class VolumeDeleted:
    """The volume is gone; its quota was given back in the same transaction."""

    volume_id: str
    project_id: str
    node_id: str | None


@event("storage_network.bucket_created", 1)
@dataclass(frozen=True)
class BucketCreated:
    """The bucket is on its object store and can be used."""

    bucket_id: str
    project_id: str
    name: str
    region_id: str
    quota_bytes: int


@event("storage_network.bucket_deleted", 1)
@dataclass(frozen=True)
class BucketDeleted:
    """The store has the bucket no more; its quota was given back and its use billed in the same transaction."""

    bucket_id: str
    project_id: str
    name: str


@event("storage_network.bucket_key_revoked", 1)
@dataclass(frozen=True)
class BucketKeyRevoked:
    """The store confirmed that it does not know the key any more."""

    key_id: str
    bucket_id: str
    project_id: str
    access_key_id: str


@event("storage_network.network_created", 1)
@dataclass(frozen=True)
class NetworkCreated:
    """A project has a new network."""

    network_id: str
    project_id: str
    name: str


@event("storage_network.network_deleted", 1)
@dataclass(frozen=True)
class NetworkDeleted:
    """A project's network is gone."""

    network_id: str
    project_id: str
    name: str


@event("storage_network.security_group_created", 1)
@dataclass(frozen=True)
class SecurityGroupCreated:
    """A project has a new security group."""

    security_group_id: str
    project_id: str
    name: str


@event("storage_network.security_group_deleted", 1)
@dataclass(frozen=True)
class SecurityGroupDeleted:
    """A project's security group is gone."""

    security_group_id: str
    project_id: str
    name: str


@event("storage_network.published_port_created", 1)
@dataclass(frozen=True)
class PublishedPortCreated:
    """A port of a sandbox was opened to anybody; its node follows."""

    published_port_id: str
    project_id: str
    name: str
    allocation_id: str
    port: int
    host_port: int


@event("storage_network.published_port_deleted", 1)
@dataclass(frozen=True)
class PublishedPortDeleted:
    """A published port was closed by its tenant."""

    published_port_id: str
    project_id: str
    name: str


@event("storage_network.security_group_rules_changed", 1)
@dataclass(frozen=True)
class SecurityGroupRulesChanged:
    """All rules of a security group were replaced; the nodes of the sandboxes in it follow."""

    security_group_id: str
    project_id: str
    name: str
    rules: int


@event("storage_network.network_rules_wanted", 1)
@dataclass(frozen=True)
class NetworkRulesWanted:
    """The sandbox's node must let pass what is wanted now; asked for each generation until the node holds it."""

    attachment_id: str
    allocation_id: str
    node_id: str
    generation: int


@event("storage_network.network_rules_applied", 1)
@dataclass(frozen=True)
class NetworkRulesApplied:
    """The sandbox's node said that it holds the rules of this generation."""

    attachment_id: str
    allocation_id: str
    generation: int


@event("storage_network.network_detached", 1)
@dataclass(frozen=True)
class NetworkDetached:
    """The sandbox has left its network; its address and its published ports are free again."""

    attachment_id: str
    allocation_id: str
    network_id: str
    security_group_ids: list[str]
