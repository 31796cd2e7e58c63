"""All benchmarks, one after another, in the sizes that are their defaults."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import assess, notices, population, punch_in, reminders

BENCHMARKS: tuple[tuple[str, Callable[[list[str]], int]], ...] = (
    ("assess", assess.main),
    ("population", population.main),
    ("punch_in", punch_in.main),
    ("notices", notices.main),
    ("reminders", reminders.main),
)


def main() -> int:
    """Run every benchmark of the table; 1 when one of them had no result."""
    worst = 0
    for name, run in BENCHMARKS:
        print(f"== {name}", flush=True)
        worst = max(worst, run([]))
    return worst


if __name__ == "__main__":
    sys.exit(main())
