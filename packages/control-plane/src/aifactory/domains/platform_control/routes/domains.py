"""/api/v3/domains."""

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import DomainList
from aifactory.kernel.routes import Routes

router = Routes("platform_control", "/domains")


@router.get("", permission="platform.domain.read", tx=False, platform_data=True)
async def list_domains() -> DomainList:
    """The domains of this installation and who answers for each, top of the house first."""
    return facade.domains()
