"""`make bench`, or `python -m tests.benchmarks [name ...]`: measures, then prints one table."""

import asyncio
import importlib
import sys
import time
from collections.abc import Sequence

from loguru import logger

from tests.benchmarks.measuring import Measurement, table

BENCHES = (
    "engine",
    "makespan",
    "fan_out",
    "prompt",
    "conversation",
    "neighbors",
    "questions",
    "structured",
    "swaps",
    "calls",
    "startup",
    "page",
)


def main(wanted: Sequence[str]) -> int:
    if unknown := [name for name in wanted if name not in BENCHES]:
        print(f"There is no bench {unknown[0]!r}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    logger.remove()
    found: list[Measurement] = []
    failed = 0
    for name in wanted or BENCHES:
        began = time.perf_counter()
        try:
            found += asyncio.run(importlib.import_module(f"tests.benchmarks.{name}").measured())
        except (AssertionError, TimeoutError) as error:  # the others are still worth measuring
            failed += 1
            print(f"{name} did not come to its end: {error}", file=sys.stderr)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(table(found))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
