"""The moments at which a worker may die follow from the flows' tables; `crash_points.txt` lists them for review.

tests/chaos kills a worker at those that a launch comes by. The others are hit in a test of their flow, which cuts the power
with `testing/power_cut.py`; docs/how-to/add-a-flow.md says how.
"""

import re

from architecture.tree import ROOT, files, is_test

from aifactory.kernel.flow import crash_points
from aifactory.manifests import MANIFESTS

LISTED = "tests/architecture/crash_points.txt"
FLOWS = [flow for manifest in MANIFESTS for flow in manifest.flows]


def test_every_crash_point_is_listed():
    there, listed = set(crash_points(FLOWS)), (ROOT / LISTED).read_text().split()
    assert listed == sorted(set(listed)), f"keep {LISTED} in alphabetical order, each line once"
    fresh, gone = sorted(there - set(listed)), sorted(set(listed) - there)
    assert not fresh, f"add these lines to {LISTED}, and see each hit by a test of the flow:\n" + "\n".join(fresh)
    assert not gone, f"no flow has these moments any more, take them out of {LISTED}:\n" + "\n".join(gone)


def test_every_flow_is_cut_off_at_its_crash_points_by_some_test():
    """By name: `crash_points([TheFlow, …])` in a test, which then runs it through each of them."""
    named = set()
    for name in files():
        if is_test(name) and name.endswith(".py"):
            for listed in re.findall(r"crash_points\(\[([^\]]*)\]\)", (ROOT / name).read_text()):
                named |= set(re.findall(r"\w+", listed))
    missing = [flow.__name__ for flow in FLOWS if flow.__name__ not in named]
    assert not missing, f"{missing}: no test cuts the power at their moments; copy the one of a neighbour's flow"
