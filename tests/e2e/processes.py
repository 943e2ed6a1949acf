"""Starting, killing and comparing real server processes."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection


class Process:
    """A server on a data directory."""

    def __init__(self, folder: Path, module: str = "tests.e2e.server_process", *more: str) -> None:
        self.folder = folder
        words = [sys.executable, "-m", module, str(folder), *more]
        self.popen = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def ready(self) -> str:
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline().strip()
        assert line.startswith("http"), "the server did not start"
        return line

    def connect(self) -> Connection:
        return Connection(self.ready(), (self.folder / "token").read_text().strip())

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        self.popen.send_signal(number)
        code = self.popen.wait(seconds)
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        return code


@contextmanager
def server(folder: Path) -> Iterator[Connection]:
    process = Process(folder)
    try:
        connection = process.connect()
        yield connection
        connection.close()
    finally:
        process.stop()


def events_stored(folder: Path) -> int:
    """How many events are committed, read beside the owner."""
    connection = sqlite3.connect(f"file:{folder / 'caseworks.db'}?mode=ro", uri=True, timeout=5)
    try:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def kill_when(process: Process, count: int, seconds: float = 30) -> None:
    """Kills it as soon as `count` events are stored."""
    end = time.monotonic() + seconds
    while events_stored(process.folder) < count and process.popen.poll() is None:
        assert time.monotonic() < end, f"{events_stored(process.folder)} of {count} events after {seconds} s"
        time.sleep(0.001)
    process.kill()


def case_file(connection: Connection, project: str) -> dict[str, Any]:
    """All that a person would compare, without ids, times and order."""
    artifacts = connection.all(f"/v1/projects/{project}/artifacts")
    titles = {item["id"]: item["title"] for item in artifacts}
    return {
        item["title"]: {
            "kind": item["kind"],
            "section": item["section"],
            "stage": item["stage"],
            "version": item["version"],
            "derived_from": sorted(titles[ref["artifact_id"]] for ref in item["derived_from"]),
            "text": re.sub(r"\b(art|tsk|run|prj|usr)_\w+", "", connection.text(f"/v1/artifacts/{item['id']}/content")),
            "qa": item["qa"] and (item["qa"]["method"], [(c["text"], c["verdict"]) for c in item["qa"]["criteria"]]),
        }
        for item in artifacts
    } | {
        f"task {task['title']}": (task["state"], task["attempts"])
        for task in connection.get(f"/v1/projects/{project}/plan")["tasks"]
    }
