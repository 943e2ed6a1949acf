"""A server for which a day passes in every second: `python -m tests.e2e.quick_days DATA_DIR`. Only the clock of the
machine is another one; all else is as in `tests.e2e.server_process`."""

import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path

DAY = 86_400.0
began, slow = time.monotonic(), time.time


def quick() -> float:
    return slow() + (time.monotonic() - began) * DAY


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

    serve(load(Path(sys.argv[1]), {}, port=0), lambda served: print(served.url, flush=True))
