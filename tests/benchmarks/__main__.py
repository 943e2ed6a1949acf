"""`make bench`, or `python -m tests.benchmarks [name ...]`: measures, then prints one table."""

import asyncio
import importlib
import sys
import time
from collections.abc import Sequence

from loguru import logger

from tests.benchmarks.measuring import Measurement, table

BENCHES = ("engine", "makespan", "prompt", "neighbors", "startup")


def main(wanted: Sequence[str]) -> int:
    if unknown := [name for name in wanted if name not in BENCHES]:
        print(f"There is no bench {unknown[0]!r}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    logger.remove()
    found: list[Measurement] = []
    for name in wanted or BENCHES:
        began = time.perf_counter()
        bench = importlib.import_module(f"tests.benchmarks.{name}")
        found += asyncio.run(bench.measured())
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(table(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
