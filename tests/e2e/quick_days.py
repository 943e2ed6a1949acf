"""A server on a clock of the test's: `python -m tests.e2e.quick_days DATA_DIR [CLOCK]`. Without CLOCK a day passes in
every second; CLOCK is a file with the seconds by which the clock is wrong, read again and again. All else is as in
`tests.e2e.server_process`."""

import sys
import time
from contextlib import suppress
from datetime import datetime, tzinfo
from pathlib import Path

DAY = 86_400.0
began, slow = time.monotonic(), time.time
wrong = [0.0]


def quick() -> float:
    if len(sys.argv) < 3:
        return slow() + (time.monotonic() - began) * DAY
    with suppress(OSError, ValueError):
        wrong[0] = float(Path(sys.argv[2]).read_text())
    return slow() + wrong[0]


class QuickDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "QuickDatetime":
        return cls.fromtimestamp(quick(), tz)


if __name__ == "__main__":
    time.time = quick
    import adapters.clock.system as clock

    clock.datetime = QuickDatetime  # type: ignore[attr-defined]
    from config.settings import load
    from infrastructure.serving import serve

    limits = {"requests_per_minute": 100_000}
    serve(load(Path(sys.argv[1]), {}, port=0, limits=limits), lambda served: print(served.url, flush=True))
