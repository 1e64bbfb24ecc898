"""The domains, from the bottom of the house to its top: migrations run in this order, facade calls go down it."""

from pathlib import Path

BOTTOM_UP = (
    "platform_control",
    "iam",
    "billing",
    "storage_network",
    "provisioning",
    "app_platform",
    "observability",
    "product",
)


def migration_places() -> list[tuple[str, Path]]:
    """(schema, folder) for the kernel and every domain that has tables."""
    here = Path(__file__).parent
    places = [("kernel", here.parent / "kernel" / "migrations")]
    return places + [(name, here / name / "migrations") for name in BOTTOM_UP if (here / name / "migrations").is_dir()]
