"""Starting and resting: `caseworks --help` against a bare Python, `caseworks up` against a Python that has imported
FastAPI and uvicorn and does nothing."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measuring import Measurement, Times

CASEWORKS = (sys.executable, "-m", "infrastructure.cli.main")
SERVER_PARTS = "import fastapi, uvicorn"
RESTING = f"{SERVER_PARTS}, time; print('ready', flush=True); time.sleep(60)"
SETTLED, IDLE = 3.0, 5.0  # seconds
TICK = 1 / os.sysconf("SC_CLK_TCK")
COMMAND = ".venv/bench/bin/python -m tests.benchmarks startup"


async def measured() -> Sequence[Measurement]:
    helped, bare = _in_turn(7, lambda: _took(*CASEWORKS, "--help"), lambda: _took(sys.executable, "-c", "pass"))
    with TemporaryDirectory(prefix="caseworks-bench-") as folder:
        first = f"on a new data directory {_until_ready(folder):.2f} s, with the schema made"
        up, imported = _in_turn(5, lambda: _until_ready(folder), lambda: _took(sys.executable, "-c", SERVER_PARTS))
        with _process(*CASEWORKS, "up", "--port", "0", "--data-dir", folder) as process:
            ours, busy = _at_rest(process)
    with _process(sys.executable, "-c", RESTING) as process:
        theirs, _ = _at_rest(process)
    return [
        _times("caseworks --help", helped, bare, "python -c pass"),
        _times("caseworks up until ready", up, imported, f"python -c '{SERVER_PARTS}'", f"; {first}"),
        _row("memory at rest", ours, theirs, "MiB", f"python after {SERVER_PARTS}"),
        _row(f"processor in {IDLE:.0f} s at rest", busy, IDLE, "s", "the wall", f"counted in steps of {TICK} s"),
    ]


def _times(what: str, ours: Times, other: Times, against: str, more: str = "") -> Measurement:
    return _row(what, ours.median * 1000, other.median * 1000, "ms", against, f"ours {ours}; other {other}{more}")


def _row(what: str, ours: float, other: float, unit: str, against: str, note: str = "") -> Measurement:
    return Measurement(what=what, ours=ours, other=other, unit=unit, against=against, command=COMMAND, note=note)


def _in_turn(times: int, *subjects: Callable[[], float]) -> list[Times]:
    """The seconds that each says it took; the first turn only fills the caches."""
    turns = [[subject() for subject in subjects] for _ in range(times + 1)]
    return [Times(seconds=tuple(column)) for column in zip(*turns[1:], strict=True)]


def _took(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())
    return time.perf_counter() - began


def _until_ready(folder: str) -> float:
    began = time.perf_counter()
    with _process(*CASEWORKS, "up", "--port", "0", "--data-dir", folder) as process:
        url = _said(process, r"http://\S+")
        while not _answers(f"{url}/ready"):
            time.sleep(0.005)
        return time.perf_counter() - began


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status) == 200
    except urllib.error.URLError:
        return False


def _at_rest(process: subprocess.Popen[str]) -> tuple[float, float]:
    """MiB in memory once it has settled, and the seconds of processor that it then uses."""
    _said(process, "ready")
    time.sleep(SETTLED)
    before = _processor(process.pid)
    time.sleep(IDLE)
    return _memory(process.pid), _processor(process.pid) - before


def _memory(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def _processor(pid: int) -> float:
    """User and system time (`man 5 proc_pid_stat`: fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def _said(process: subprocess.Popen[str], pattern: str) -> str:
    """What matches `pattern` in what the process says next."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[0]
    raise AssertionError(f"it ended without saying {pattern!r}, with {process.wait()}")


@contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    """Ours without what would configure Caseworks or watch Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CASEWORKS", "COVERAGE"))}
