"""`python -m aifactory_agent.door`: started by the agent inside a sandbox, with the listening socket inherited."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="aifactory_agent.door", description=__doc__)
    parser.add_argument("--listen-fd", type=int, required=True, help="inherited listening socket")
    parser.add_argument("--folder", type=Path, required=True, help="folder with host_key and authorized_keys")
    parser.add_argument("--home", type=Path, required=True, help="the tenant's home folder")
    parser.add_argument("--sandbox", default="", help="kind of sandbox, shown in its environment")
    options = parser.parse_args()
    from aifactory_agent.door import seal

    seal.against_the_tenant(options.listen_fd)
    from aifactory_agent.door import server

    server.serve(options.listen_fd, options.folder, options.home, options.sandbox)


if __name__ == "__main__":
    main()
