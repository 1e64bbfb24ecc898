"""All domains that live in this house, from top to bottom, in the order of the walls between them."""

from aifactory.domains.app_platform.manifest import MANIFEST as APP_PLATFORM
from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.observability.manifest import MANIFEST as OBSERVABILITY
from aifactory.domains.platform_control.manifest import MANIFEST as PLATFORM_CONTROL
from aifactory.domains.product.manifest import MANIFEST as PRODUCT
from aifactory.domains.provisioning.manifest import MANIFEST as PROVISIONING
from aifactory.domains.storage_network.manifest import MANIFEST as STORAGE_NETWORK
from aifactory.kernel.manifest import Manifest

MANIFESTS: tuple[Manifest, ...] = (
    PRODUCT,
    OBSERVABILITY,
    APP_PLATFORM,
    PROVISIONING,
    STORAGE_NETWORK,
    BILLING,
    IAM,
    PLATFORM_CONTROL,
)
