"""Entry of `python -m aifactory_agent`."""

import sys

from aifactory_agent.cli import main

sys.exit(main())
