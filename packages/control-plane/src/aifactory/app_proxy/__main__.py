"""`python -m aifactory.app_proxy`"""

import asyncio

import uvloop

from aifactory.app_proxy.serve import main

if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
