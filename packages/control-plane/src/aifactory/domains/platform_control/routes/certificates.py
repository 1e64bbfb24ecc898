"""/api/v3/admin/certificates."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.facade import CertificateList, CertificateView
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import OperatorTx, Routes

router = Routes("platform_control", "/admin/certificates")


class Revocation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, description="Why, in one sentence; kept in the audit log.")


@router.get("", permission="platform.certificate.read", platform_data=True)
async def list_certificates(
    tx: OperatorTx, page: PageQuery, node_id: Annotated[str | None, Query(max_length=81)] = None
) -> CertificateList:
    """The register of agent certificates, newest first."""
    return await facade.list_certificates(tx, node_id, page)


@router.post("/{certificate_id}/revoke", permission="platform.certificate.revoke")
async def revoke_certificate(
    certificate_id: Annotated[str, Path(max_length=81)], body: Revocation, tx: OperatorTx
) -> CertificateView:
    """Refuses the certificate from now on, also on connections that are open."""
    return await facade.revoke_certificate(tx, certificate_id, body.reason)
