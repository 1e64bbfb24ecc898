"""Fixtures of the tests that cross packages. `running_house` is a real house; see house.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from house import running_house

__all__ = ["running_house"]
