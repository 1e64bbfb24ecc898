"""What an operator may ask of a running system about provisioning."""

from aifactory.kernel.manifest import SmokeCheck

NODES = "provisioning/node-stuck"
SMOKE = (
    SmokeCheck(
        "the catalogue is public", "/api/v3/catalog", "prices, hardware and free slots can be read by anyone", member="items"
    ),
    SmokeCheck(
        "something is on offer", "/api/v3/offers", "a node is enrolled, and what it has can be ranked without signing in",
        member="items", runbook=NODES,
    ),
    SmokeCheck("allocations ask who you are", "/api/v3/allocations", "visitors see no allocation of anybody", 401),
    SmokeCheck(
        "allocations can be listed", "/api/v3/allocations", "what your tenant runs can be read", permission="allocation.read"
    ),
    SmokeCheck(
        "the fleet has a node", "/api/v3/admin/nodes", "machines are enrolled and can be seen",
        permission="platform.node.read", member="items", runbook=NODES,
    ),
)  # fmt: skip
