"""What storage_network brings into the house."""

from pathlib import Path

from aifactory.domains.storage_network.adapters.configured import configured_store
from aifactory.domains.storage_network.consumers import forget_member
from aifactory.domains.storage_network.flows.delete_volume import DeleteVolume
from aifactory.domains.storage_network.flows.keep_attachment import KeepAttachment
from aifactory.domains.storage_network.flows.keep_bucket import KeepBucket
from aifactory.domains.storage_network.flows.keep_bucket_key import KeepBucketKey
from aifactory.domains.storage_network.measuring import LOOK_AT_STORE, MEASURE_BUCKETS
from aifactory.domains.storage_network.ports import OBJECT_STORE
from aifactory.domains.storage_network.routes import (
    buckets,
    network_attachments,
    networks,
    published_ports,
    security_groups,
    storage,
)
from aifactory.domains.storage_network.smoke import SMOKE
from aifactory.events import storage_network as events
from aifactory.kernel.manifest import Manifest

MANIFEST = Manifest(
    "storage_network",
    Path(__file__).parent,
    routers=(
        storage.router,
        buckets.router,
        networks.router,
        network_attachments.router,
        security_groups.router,
        published_ports.router,
    ),
    flows=(DeleteVolume, KeepBucket, KeepBucketKey, KeepAttachment),
    consumers=(forget_member,),
    schedules=(LOOK_AT_STORE, MEASURE_BUCKETS),
    events=events,
    smoke=SMOKE,
    permissions={
        "volume.read": "see the volumes of a project",
        "volume.create": "make volumes within the project's quota",
        "volume.delete": "erase volumes that no allocation holds",
        "bucket.read": "see the buckets of a project and what they hold",
        "bucket.create": "make buckets within the project's quota",
        "bucket.delete": "remove buckets, with what is in them if asked to",
        "bucket_key.read": "see which keys a bucket has, never their secrets",
        "bucket_key.create": "make keys to a bucket, and so read and write it",
        "bucket_key.revoke": "take keys from a bucket",
        "network.read": "see the networks of a project, and what sandboxes in them may send and receive",
        "network.create": "make networks in a project, and choose the security groups of sandboxes in them",
        "network.delete": "delete networks of a project",
        "security_group.read": "see the security groups of a project",
        "security_group.create": "make security groups in a project and write their rules",
        "security_group.delete": "delete security groups of a project",
        "published_port.read": "see the published ports of a project",
        "published_port.create": "open ports of a project's sandboxes to anybody",
        "published_port.delete": "close published ports of a project",
    },
    ports={OBJECT_STORE: configured_store},
)
