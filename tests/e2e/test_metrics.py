"""What Prometheus reads: true numbers, in its format, with labels that nobody outside can multiply."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.programs import begun, ended, good, models_yaml, program
from tests.e2e.rest_client import Rest, Running, refused, server
from tests.model_servers import Fails, model_server

Labels = frozenset[tuple[str, str]]
Values = dict[tuple[str, Labels], float]
HOSTILE = (
    "/v1/projects/prj_a%22%7D%0Aevil%201",
    "/v1/runs/run_unknown",
    "/nothing/of/the/kind",
    "/page/static/../../etc/passwd",
    "/%00",
    "/v1/" + "x" * 3000,
)


def values(text: str) -> Values:
    found: Values = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation or family.name.startswith(("process_", "python_")), family.name
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def scraped(url: str, token: str) -> Values:
    answer = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return values(answer.text)


def of(found: Values, name: str, **labels: str) -> float:
    """The sum over all series that have these labels."""
    return sum(
        value for (known, having), value in found.items() if known == name and labels.items() <= dict(having).items()
    )


def labelled(found: Values, label: str) -> set[str]:
    return {dict(labels)[label] for _, labels in found if label in dict(labels)}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Running]:
    with server(tmp_path, limits={"requests_per_minute": 100_000, "anonymous_per_minute": 100_000}) as found:
        yield found


def test_numbers_need_the_owners_token(alone: Running) -> None:
    with httpx.Client(base_url=alone.url, trust_env=False) as stranger:
        refused(stranger.get("/metrics"), 401)


def test_what_is_done_can_be_seen_in_the_numbers(tmp_path: Path) -> None:
    with (
        model_server(good, models=("tiny",)) as models,
        program(tmp_path, models_yaml(models, price={"input": 1_000, "output": 1_000})) as connection,
    ):
        token = (tmp_path / "token").read_text().strip()
        before = scraped(connection.url, token)
        assert of(before, "caseworks_calls_total") == of(before, "caseworks_runs_ended_total") == 0
        _, run = begun(connection)
        done = ended(connection, run)
        after = scraped(connection.url, token)
        used = done["usage"]
        assert of(after, "caseworks_calls_total", model="tiny", state="done") == used["calls"]
        assert of(after, "caseworks_call_seconds_count", model="tiny") == used["calls"]
        assert of(after, "caseworks_tokens_total", direction="input") == used["input_tokens"]
        assert of(after, "caseworks_tokens_total", direction="output") == used["output_tokens"]
        assert of(after, "caseworks_money_total") == pytest.approx(used["money"] / 1_000_000)
        assert of(after, "caseworks_runs_ended_total", result=done["result"]) >= 1
        assert of(after, "caseworks_runs_carried") == 0
        assert of(after, "process_resident_memory_bytes") > 0
        start = of(after, "caseworks_http_requests_total", route="/v1/projects/{project_id}/runs", status="202")
        assert start == of(after, "caseworks_http_request_seconds_count", route="/v1/projects/{project_id}/runs") == 1


def test_what_is_stored_is_counted_again_after_a_restart(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        project, run = first.rest.done()
        tasks = first.rest.items(f"/v1/projects/{project}/tasks")
        waiting = len([item for item in first.rest.items("/v1/inbox") if item["state"] == "open"])
    with server(tmp_path) as second:
        found = scraped(second.url, second.token)
    assert of(found, "caseworks_tasks") == len(tasks)
    for state in {task["state"] for task in tasks}:
        assert of(found, "caseworks_tasks", state=state) == len([task for task in tasks if task["state"] == state])
    assert of(found, "caseworks_runs", state="ended") > 1 and of(found, "caseworks_runs", state="running") == 0
    assert of(found, "caseworks_inbox_open") == waiting and of(found, "caseworks_runs_due") == 0
    assert of(found, "caseworks_runs_ended_total") == 0 and run


def test_a_call_that_fails_is_counted_as_failed(tmp_path: Path) -> None:
    with (
        model_server(lambda _: Fails(status=400, message="no"), models=("tiny",)) as models,
        program(tmp_path, models_yaml(models)) as connection,
    ):
        _, run = begun(connection)
        ended(connection, run, 60)
        found = scraped(connection.url, (tmp_path / "token").read_text().strip())
    assert of(found, "caseworks_calls_total", model="tiny", state="failed") >= 1
    assert of(found, "caseworks_calls_total", state="done") == 0


def test_addresses_that_strangers_make_up_make_no_labels(alone: Running) -> None:
    with httpx.Client(base_url=alone.url, trust_env=False) as stranger:
        for client in (stranger, alone.rest):
            for path in HOSTILE:
                client.get(path)
        stranger.request("BREW", "/health")
        stranger.get("/health", headers={"Host": "evil.example"})
    found = scraped(alone.url, alone.token)
    templates = set(alone.rest.get("/openapi.json").json()["paths"])
    routes = {route for route in labelled(found, "route") if not route.startswith("/page")}
    assert routes - templates <= {"other", "/openapi.json"}
    assert labelled(found, "method") <= {"GET", "POST", "other"}
    assert of(found, "caseworks_http_requests_total", route="other", status="421") == 1
    assert not [labels for _, labels in found for _, value in labels if "evil" in value or len(value) > 100]


def test_two_programs_in_one_process_count_for_themselves(tmp_path: Path) -> None:
    with server(tmp_path / "a") as one, server(tmp_path / "b") as other:
        one.rest.project()
        created = {"route": "/v1/projects", "method": "POST", "status": "201"}
        assert of(scraped(one.url, one.token), "caseworks_http_requests_total", **created) == 1
        assert of(scraped(other.url, other.token), "caseworks_http_requests_total", **created) == 0


def test_ids_are_no_labels(rest: Rest, running: Running) -> None:
    project, run = rest.done()
    text = rest.get("/metrics").text
    assert project not in text and run not in text
    assert not re.search(r"\b[a-z]{3}_[0-9a-z]{20,}", text)
    assert "_created" not in text
    if (promtool := shutil.which("promtool")) is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert running.token not in text
