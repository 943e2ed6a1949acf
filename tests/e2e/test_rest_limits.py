"""Small limits, on servers of their own; and what is answered when something breaks."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from adapters.clock.system import SystemClock
from config.settings import Limits
from infrastructure.rest.guards import Guards
from infrastructure.web.sessions import Sessions
from tests.e2e.rest_client import Running, pdf, refused, server


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"streams": 2, "body_bytes": 1024, "upload_bytes": 2048, "anonymous_per_minute": 5}
    with server(tmp_path_factory.mktemp("data"), limits=limits) as found:
        yield found


def test_too_many_requests_answer_429(tmp_path: Path) -> None:
    with server(tmp_path, limits={"requests_per_minute": 10}) as running:
        answers = [running.rest.get("/v1/projects") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        refused(answers[-1], 429)
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert httpx.get(f"{running.url}/health", trust_env=False).status_code == 200


def test_guessing_tokens_counts_as_one_stranger(small: Running) -> None:
    with httpx.Client(base_url=small.url, trust_env=False) as stranger:
        answers = [stranger.get("/v1/projects", headers={"Authorization": f"Bearer {n}"}) for n in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert small.rest.get("/v1/projects").status_code == 200


def test_too_many_streams_answer_429_before_they_begin(small: Running) -> None:
    path = f"/v1/projects/{small.rest.project()}/events"
    with ExitStack() as stack:
        for _ in range(2):
            assert stack.enter_context(small.rest.stream("GET", path)).status_code == 200
        refused(small.rest.get(path), 429)
        assert "caseworks_streams 2" in small.rest.get("/metrics").text
    small.rest.until("/v1/doctor", lambda _: "caseworks_streams 0" in small.rest.get("/metrics").text)
    with small.rest.stream("GET", path) as again:
        assert again.status_code == 200


def test_a_stream_of_nothing_gives_its_place_back(small: Running) -> None:
    for _ in range(5):
        refused(small.rest.get("/v1/runs/run_none/events"), 404)
        refused(small.rest.get("/v1/projects/prj_none/events"), 404)


def test_a_file_that_is_too_large_answers_413(small: Running) -> None:
    project = small.rest.project()
    refused(small.rest.upload(project, "a.md", b"word " * 1000), 413)
    refused(small.rest.upload(project, "a.md", b"word " * 100_000), 413)
    refused(small.rest.post("/v1/projects", json={"goal": "word " * 300}), 413)
    assert small.rest.upload(project, "a.pdf", pdf("A short contract that ends in May.")).status_code == 201


async def test_what_breaks_is_told_with_its_correlation_id(tmp_path: Path) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a secret")

    sessions = Sessions(tmp_path / "sessions.json", "owner", SystemClock())
    guards = Guards(broken, hosts=("127.0.0.1",), limits=Limits(), token="owner", sessions=sessions)
    transport = httpx.ASGITransport(guards, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/health", headers={"X-Correlation-ID": "mine"})
    problem = refused(answer, 500)
    assert "mine" in problem["detail"] and "secret" not in answer.text
    assert answer.headers["X-Correlation-ID"] == "mine" and answer.headers["Content-Security-Policy"]
