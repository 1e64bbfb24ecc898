"""How every benchmark ends: a table for people and a JSON file for scripts. Figures never decide a test."""

import json
import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def spread(values: list[float]) -> str:
    """min / median / max: the machine's noise, shown."""
    return f"{min(values):.3g} / {statistics.median(values):.3g} / {max(values):.3g}"


def write(name: str, rounds: int, rows: list[dict[str, Any]], ratios: dict[str, Any], budget: dict[str, Any]) -> None:
    """Prints `rows` and `ratios` beside the budget, and writes results/<name>.json."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    widths = [max(len(str(row.get(c, ""))) for row in [{c: c for c in columns}, *rows]) for c in columns]
    for row in [{c: c for c in columns}, *rows]:
        print("  ".join(str(row.get(c, "")).ljust(w) for c, w in zip(columns, widths, strict=True)))
    print()
    for ratio, value in ratios.items():
        print(f"{ratio:36} {value!s:>10}   budget {budget.get(ratio, '-')}")
    RESULTS.mkdir(exist_ok=True)
    content = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rounds": rounds,
        "rows": rows,
        "ratios": ratios,
        "budget": budget,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
