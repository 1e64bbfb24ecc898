"""/api/v3/auth/device: signing in a command line."""

from fastapi import Request, Response

from aifactory.domains.iam import facade
from aifactory.domains.iam.facade import DeviceLogin, DeviceTokenView
from aifactory.domains.iam.schemas import DeviceDecision, DeviceToken
from aifactory.kernel.routes import PUBLIC, SIGNED_IN, Db, Routes

router = Routes("iam", "/auth/device")


@router.post("", permission=PUBLIC, tx=False, csrf=False)
async def begin_device_login(db: Db, request: Request, response: Response) -> DeviceLogin:
    """Codes for one sign-in: the long one stays with the command line, the short one is typed into the portal."""
    response.headers["Cache-Control"] = "no-store"
    return await facade.begin_device_login(db, request.client.host if request.client else "")


@router.post("/token", permission=PUBLIC, tx=False, csrf=False)
async def collect_device_token(body: DeviceToken, db: Db, response: Response) -> DeviceTokenView:
    """The token once the code was approved; until then 400 with `authorization_pending` or why it will never be."""
    response.headers["Cache-Control"] = "no-store"
    return await facade.collect_device_token(db, body.device_code)


@router.post("/approve", permission=SIGNED_IN, tx=False, status_code=204)
async def approve_device(body: DeviceDecision, db: Db, request: Request) -> None:
    """Signs the command line in as the person at the browser."""
    await facade.decide_device_login(db, request.state.principal, body.user_code, approve=True)


@router.post("/deny", permission=SIGNED_IN, tx=False, status_code=204)
async def deny_device(body: DeviceDecision, db: Db, request: Request) -> None:
    """Declines; the command line is told at its next poll."""
    await facade.decide_device_login(db, request.state.principal, body.user_code, approve=False)
