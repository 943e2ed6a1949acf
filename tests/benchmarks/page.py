"""Does the page stay quick with many tasks? Chromium opens a project of 100 tasks, in a workspace with 500, and one of
5 in a workspace with nothing else; then a task is renamed by REST until its new title stands on the open page.

A browser cannot be driven from within an event loop, and the bench's environment has none: this runs as a program of
its own, with the interpreter of the tests.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measuring import Measurement, Times

if TYPE_CHECKING:
    from tests.e2e.browsing import Watched
    from tests.e2e.rest_client import Running

ROOT = Path(__file__).parents[2]
PROJECTS, TASKS, FEW = 5, 100, 5
LOADS, UPDATES, WARM, PAUSE = 10, 8, 2, 1.0
COMMAND = ".venv/bin/python -m tests.benchmarks page"
FAST = {"requests_per_minute": 100_000, "anonymous_per_minute": 100_000}
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"
SHOWN = """(text) => new Promise((done) => {
  const seen = () => document.getElementById("tasks").textContent.includes(text);
  const look = new MutationObserver(() => { if (seen()) { look.disconnect(); done(Date.now()); } });
  look.observe(document.getElementById("tasks"), { childList: true, subtree: true });
})"""
WAIT = "(text) => { window.shown = (" + SHOWN + ")(text); }"


async def measured() -> Sequence[Measurement]:
    python = sys.executable if find_spec("playwright") is not None else str(ROOT / ".venv/bin/python")
    done = subprocess.run([python, "-m", __name__], cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2_000:]
    return [Measurement(**each) for each in json.loads(done.stdout)]


def main() -> int:
    from loguru import logger

    from tests.e2e.browsing import browser, signed_in
    from tests.e2e.rest_client import server

    logger.remove()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        large, small = (stack.enter_context(server(folder / name, limits=FAST)) for name in ("large", "small"))
        many, *_ = [_project(large, TASKS) for _ in range(PROJECTS)]
        few = _project(small, FEW)
        chromium = stack.enter_context(browser())
        pages = [stack.enter_context(signed_in(chromium, running)) for running in (large, small)]
        found = [*_loads(pages, (many, few)), *_lists(pages), *_updates(pages, (large, small), (many, few))]
    print(json.dumps([vars(each) for each in found]))
    return 0


def _project(running: "Running", tasks: int) -> str:
    """Five side by side, each behind the one before it."""
    project = running.rest.project("Keep the page quick")
    body = [
        {"key": f"k{n}", "title": f"Task {n}", "brief": "Look into it.", "depends_on": [f"k{n - 5}"] if n >= 5 else []}
        for n in range(tasks)
    ]
    running.rest.put(f"/v1/projects/{project}/plan", json={"tasks": body}, headers={"If-Match": "*"}).raise_for_status()
    return project


def _loads(pages: "Sequence[Watched]", projects: Sequence[str]) -> list[Measurement]:
    paths = [f"/page/projects/{project}" for project in projects]
    return [_told(f"a project's page, {TASKS} tasks of 500", f"{FEW} tasks", _opened(pages, paths), "until loaded")]


def _lists(pages: "Sequence[Watched]") -> list[Measurement]:
    return [
        _told("the list of projects, 500 tasks", f"{FEW} tasks", _opened(pages, ("/page", "/page")), "until loaded")
    ]


def _opened(pages: "Sequence[Watched]", paths: Sequence[str]) -> list[list[float]]:
    seconds: list[list[float]] = [[], []]
    for _ in range(WARM + LOADS):
        for page, path, times in zip(pages, paths, seconds, strict=True):
            page.open(path)
            page.page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
            times.append(page.page.evaluate(LOADED) / 1000)
    return seconds


def _updates(pages: "Sequence[Watched]", servers: "Sequence[Running]", projects: Sequence[str]) -> list[Measurement]:
    seconds: list[list[float]] = [[], []]
    for page, project in zip(pages, projects, strict=True):
        page.open(f"/page/projects/{project}").locator("#live", has_text="Live").wait_for()
    for number in range(WARM + UPDATES):
        for page, running, project, times in zip(pages, servers, projects, seconds, strict=True):
            page.page.bring_to_front()
            time.sleep(PAUSE)
            title = f"Renamed {number}"
            task = running.rest.get(f"/v1/projects/{project}/plan").json()["tasks"][-1]["id"]
            page.page.evaluate(WAIT, title)
            began = time.time()
            running.rest.patch(f"/v1/tasks/{task}", json={"title": title}).raise_for_status()
            times.append(page.page.evaluate("() => window.shown") / 1000 - began)
    note = "from sending the edit until its text stands on the open page"
    return [_told(f"a live update, {TASKS} tasks of 500", f"{FEW} tasks", seconds, note)]


def _told(what: str, against: str, seconds: Sequence[Sequence[float]], note: str) -> Measurement:
    ours, other = (Times(seconds=tuple(times[WARM:])) for times in seconds)
    return Measurement(
        what=what,
        ours=ours.median * 1000,
        other=other.median * 1000,
        unit="ms",
        against=against,
        command=COMMAND,
        note=f"{note}; many {ours}; few {other}",
    )


if __name__ == "__main__":
    raise SystemExit(main())
