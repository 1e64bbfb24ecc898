"""`python -m aifactory.contracts build|check`

build   writes contracts/, MAP.md and CODEOWNERS. Refuses to take anything away from clients of the committed bundles
        unless --accept-breaking says why; the reason is kept in contracts/accepted.toml.
check   fails when a file is not what build would write, a contract is invalid, or it breaks the committed one.
"""

import argparse
import sys
from pathlib import Path

from aifactory.contracts import bundle


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m aifactory.contracts", description=__doc__)
    parser.add_argument("command", choices=("build", "check"))
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository's root")
    parser.add_argument("--against", default="HEAD", help="the revision whose contracts must not break")
    parser.add_argument("--accept-breaking", metavar="REASON", default="")
    options = parser.parse_args()
    if options.command == "build":
        found = bundle.write(options.root, options.against, options.accept_breaking)
    else:
        found = bundle.check(options.root, options.against)
    for finding in found:
        print(finding, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
