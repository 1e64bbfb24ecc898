"""The node's identity: what every process of ours has, what enrolling brought, and the key that signs its tasks."""

from __future__ import annotations

import base64
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from aifactory_outpost import durable
from aifactory_outpost.identity import Identity, NotEnrolled, NotTrusted


class Enrolment(Struct, frozen=True):
    """What enrolling brought; written last, so its presence means that everything is there."""

    node_id: str
    node_name: str
    url: str
    task_key: str


class NodeIdentity(Identity):
    """The files of the node's identity in its state folder."""

    holder: ClassVar[str] = "node"
    program: ClassVar[str] = "aifactory_agent"

    def enrolment(self) -> Enrolment:
        """What the node is enrolled as; raises NotEnrolled."""
        data = durable.read(self.folder / "node.json")
        if data is None:
            raise NotEnrolled("this node is not enrolled: run `python -m aifactory_agent enrol` with a bootstrap token")
        return msgspec.json.decode(data, type=Enrolment)

    def task_key(self) -> Ed25519PublicKey:
        """The public key that signs this node's tasks."""
        return task_key_of(self.enrolment().task_key)


def task_key_of(text: str) -> Ed25519PublicKey:
    """The key from its base64; raises NotTrusted."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except ValueError as error:
        raise NotTrusted("the task key is not an ed25519 public key") from error
