"""What product brings into the house."""

from pathlib import Path

from aifactory.domains.product.launch_drafts import forget_expired
from aifactory.domains.product.pages import allocation, catalog, home, launch
from aifactory.domains.product.routes import launch_drafts
from aifactory.domains.product.smoke import SMOKE
from aifactory.kernel.manifest import Manifest
from aifactory.kernel.schedules import Schedule

MANIFEST = Manifest(
    "product",
    Path(__file__).parent,
    routers=(catalog.router, home.router, launch.router, allocation.router, launch_drafts.router),
    schedules=(Schedule("product.forget_visitor_drafts", 600, forget_expired),),
    smoke=SMOKE,
    pages=("catalog", "home", "launch", "allocation"),
)
