"""A server as a process of its own, to be killed: `python -m tests.e2e.server_process DATA_DIR [LOG_LEVEL]`."""

import sys
from pathlib import Path

from config.settings import load
from infrastructure.serving import serve
from infrastructure.telemetry import set_up

if __name__ == "__main__":
    log = {"level": sys.argv[2] if len(sys.argv) > 2 else "WARNING", "format": "json"}
    settings = load(Path(sys.argv[1]), {}, port=0, limits={"requests_per_minute": 100_000}, log=log)
    set_up(settings.log)
    serve(settings, lambda served: print(served.url, flush=True))
