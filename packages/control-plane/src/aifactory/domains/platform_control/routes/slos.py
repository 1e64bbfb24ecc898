"""/api/v3/slos."""

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import SloReport
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("platform_control", "/slos")


@router.get("", permission="platform.slo.read", platform_data=True)
async def list_slos(tx: OperatorTx) -> SloReport:
    """What each domain promises, how it is kept, and how fast its error budget is being spent."""
    return await facade.slo_report(tx)
