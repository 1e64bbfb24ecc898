"""`python -m aifactory_sim`."""

import sys

from aifactory_sim.cli import main

sys.exit(main())
