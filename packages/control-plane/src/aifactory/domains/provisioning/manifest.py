"""What provisioning brings into the house."""

from pathlib import Path

from aifactory.domains.provisioning.adapters.ssh_probe import SshProbe
from aifactory.domains.provisioning.consumers import apply_network, erase_volume, release_on_credit_exhausted
from aifactory.domains.provisioning.demo import open_demo
from aifactory.domains.provisioning.flows.allocate import Allocate
from aifactory.domains.provisioning.flows.maintain_node import MaintainNode
from aifactory.domains.provisioning.flows.sanitize_slot import SanitizeSlot
from aifactory.domains.provisioning.flows.watch_node import WatchNode
from aifactory.domains.provisioning.ports import ACCESS_PROBE
from aifactory.domains.provisioning.routes import allocations, bootstrap_nodes, node_internal, nodes, offers
from aifactory.domains.provisioning.schedules import NOTICE_SILENT_NODES
from aifactory.domains.provisioning.smoke import SMOKE
from aifactory.events import provisioning as events
from aifactory.kernel.manifest import Manifest

MANIFEST = Manifest(
    "provisioning",
    Path(__file__).parent,
    routers=(
        allocations.router,
        offers.catalog_router,
        offers.router,
        nodes.nodes_router,
        nodes.slots_router,
        nodes.tokens_router,
    ),
    agent_routers=(bootstrap_nodes.router, node_internal.router),
    flows=(Allocate, SanitizeSlot, WatchNode, MaintainNode),
    consumers=(release_on_credit_exhausted, erase_volume, apply_network),
    schedules=(NOTICE_SILENT_NODES,),
    events=events,
    smoke=SMOKE,
    demo=open_demo,
    permissions={
        "allocation.read": "see the allocations of a project",
        "allocation.create": "launch within the project's quota and the tenant's credit",
        "allocation.release": "end allocations of a project",
        "platform.node.read": "see nodes, slots and their evidence",
        "platform.node.drain": "take nodes out of service and back",
        "platform.node.enrol": "make bootstrap tokens with which machines become nodes",
        "platform.slot.sanitize": "have a quarantined slot cleaned again",
    },
    ports={ACCESS_PROBE: SshProbe},
)
