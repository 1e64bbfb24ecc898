"""`python -m aifactory.api`"""

import asyncio

import uvloop

from aifactory.api.serve import main

if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
