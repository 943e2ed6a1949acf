"""A client for the real server, and what tests hand over to it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from config.settings import load
from infrastructure.program import Program
from infrastructure.serving import beside

NOWHERE = "prj_01m7y000000000000000000000"
MARKDOWN = b"""# Manual

The lift carries at most 400 kg. It must be inspected every twelve months by a certified inspector.

## Failures

Alarm 17 may only be cleared by a technician. The brake must not be released by hand.
"""
CSV = b"part,days\nbrake,12\ndoor,30\n"
JSON = b'{"inspector": "certified", "interval_months": 12}'
HTML = b"<html><body><h1>Notice</h1><p>The second lift is closed.</p><script>x()</script></body></html>"


@dataclass(frozen=True, kw_only=True)
class Event:
    number: int | None
    kind: str
    data: dict[str, Any]


class Rest(httpx.Client):
    """With the owner's token."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=url, headers=headers, timeout=30, trust_env=False)

    def project(self, goal: str = "Brief me on the lift", **more: Any) -> str:
        made = self.post("/v1/projects", json={"goal": goal, **more})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def source(self, project: str, text: str = MARKDOWN.decode(), title: str = "Manual") -> str:
        made = self.post(f"/v1/projects/{project}/artifacts", json={"title": title, "text": text})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def upload(self, project: str, name: str, content: bytes, **fields: str) -> httpx.Response:
        return self.post(f"/v1/projects/{project}/artifacts", files={"file": (name, content)}, data=fields)

    def run_of(self, project: str) -> str:
        started = self.post(f"/v1/projects/{project}/runs")
        assert started.status_code == 202, started.text
        return str(started.json()["id"])

    def ended(self, run: str) -> dict[str, Any]:
        return self.until(f"/v1/runs/{run}", lambda found: found["state"] == "ended")

    def until(self, path: str, holds: Any, seconds: float = 30) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            found: dict[str, Any] = self.get(path).json()
            if holds(found):
                return found
            assert time.monotonic() < end, f"still {found}"
            time.sleep(0.05)

    def done(self, goal: str = "Brief me on the lift") -> tuple[str, str]:
        """A project whose run has ended, and the run."""
        project = self.project(goal)
        self.source(project)
        run = self.run_of(project)
        self.ended(run)
        return project, run

    def items(self, path: str, limit: int = 100) -> list[dict[str, Any]]:
        """Every page of a list."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query: dict[str, int | str] = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            page = self.get(httpx.URL(path).copy_merge_params(query)).json()
            assert set(page) == {"items", "next_cursor"} and len(page["items"]) <= limit
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    def events(self, path: str, last: str | None = None, most: int | None = None, until: str = "") -> list[Event]:
        """Until the stream ends, `most` numbered ones came, or one of the kind `until`."""
        found: list[Event] = []
        with self.stream("GET", path, headers={"Last-Event-ID": last} if last is not None else {}) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            for event in _events(response):
                found.append(event)
                if event.kind == until or (most is not None and sum(e.number is not None for e in found) == most):
                    break
        return found


def _events(response: httpx.Response) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Event(number=number, kind=fields["event"], data=json.loads(fields["data"]))
            fields = {}


@dataclass(frozen=True, kw_only=True)
class Running:
    rest: Rest
    url: str
    token: str
    program: Program


@contextmanager
def server(folder: Path, **flags: Any) -> Iterator[Running]:
    """It rehearses."""
    with beside(load(folder, {}, rehearse=True, **flags), dispatch=True) as served:
        rest = Rest(served.url, served.token)
        try:
            yield Running(rest=rest, url=served.url, token=served.token, program=served.program)
        finally:
            rest.close()


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that a response must be."""
    assert response.status_code == status, (response.request.method, str(response.request.url), response.text)
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert problem["instance"] == response.request.url.path
    assert all(set(error) == {"pointer", "detail"} for error in problem.get("errors", []))
    return problem


def pointers(problem: Mapping[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem.get("errors", [])]


def pdf(*lines: str) -> bytes:
    """A PDF of one page, written by hand."""
    text = "BT /F1 12 Tf 14 TL 40 800 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    stream = text.encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
