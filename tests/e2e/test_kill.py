"""kill -9 at any moment: everything goes on by itself, nothing is done twice, nothing is lost."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from infrastructure.cli.connection import Connection
from infrastructure.data_directory import DataDirectoryError
from tests.e2e import programs
from tests.e2e.processes import Process, case_file, events_stored, kill_when, server
from tests.e2e.programs import begun, ended, good, program
from tests.model_servers import Says, model_server

KILLS = 25
SEED = 20261121


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int, int, int]:
    """The case file of a run that nobody killed, its events when it began and when it ended, and its calls."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with server(folder) as connection:
        project, run = begun(connection)
        assert ended(connection, run)["result"] == "succeeded"
        return case_file(connection, project), 4, events_stored(folder), calls_of(connection, project)


def calls_of(connection: Connection, project: str) -> int:
    return int(connection.get(f"/v1/projects/{project}/usage")["calls"])


def test_a_run_killed_at_25_seeded_points_ends_with_the_same_case_file(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int, int, int]
) -> None:
    expected, first, last, calls = undisturbed
    points = sorted(random.Random(SEED).sample(range(first + 2, last), KILLS))
    process = Process(tmp_path)
    connection = process.connect()
    project, run = begun(connection)
    connection.close()
    for point in points:
        kill_when(process, point)
        process = Process(tmp_path)
    try:
        connection = process.connect()
        assert ended(connection, run)["result"] == "succeeded"
        assert case_file(connection, project) == expected
        assert calls_of(connection, project) == calls, "a recorded call is never made again"
        findings = connection.get("/v1/doctor", verify=True)["items"]
        assert [f for f in findings if f["level"] == "failed"] == []
        connection.close()
    finally:
        process.stop()


def test_a_model_call_in_flight_at_a_kill_is_repeated_with_the_same_key_and_no_other_is(tmp_path: Path) -> None:
    def slow(body: Any) -> Says:
        time.sleep(0.15)
        return Says(text=good(body))

    with model_server(slow, models=("tiny",)) as models:
        (tmp_path / "models.yaml").write_text(programs.models_yaml(models))
        process = Process(tmp_path)
        connection = process.connect()
        project, run = begun(connection)
        connection.close()
        for count in (2, 6):
            end = time.monotonic() + 60
            while len(models.chats) < count:
                assert time.monotonic() < end
                time.sleep(0.01)
            process.kill()
            process = Process(tmp_path)
        try:
            connection = process.connect()
            assert ended(connection, run, 90)["result"] == "succeeded"
            keys = [chat.headers.get("idempotency-key", "") for chat in models.chats]
            assert len(set(keys)) == calls_of(connection, project) == 10
            assert len(keys) - len(set(keys)) <= 2 * 4, "only what was in flight may repeat"
            connection.close()
        finally:
            process.stop()


def test_another_process_on_the_same_data_directory_is_refused(tmp_path: Path) -> None:
    with server(tmp_path):
        with pytest.raises(DataDirectoryError, match="in use by another Caseworks process"), program(tmp_path):
            pass
        other = Process(tmp_path)
        assert other.popen.wait(20) != 0
        assert other.popen.stdout is not None
        other.popen.stdout.close()


def test_sigterm_in_mid_run_exits_0_within_10_seconds_and_the_run_goes_on_at_the_next_start(tmp_path: Path) -> None:
    process = Process(tmp_path)
    connection = process.connect()
    project, run = begun(connection)
    connection.close()
    assert process.stop(signal.SIGTERM, 10) == 0
    with server(tmp_path) as connection:
        assert ended(connection, run)["result"] == "succeeded"
        assert len(connection.all(f"/v1/projects/{project}/artifacts")) == 7


def test_sigterm_while_a_model_never_answers_still_exits_0_within_10_seconds(tmp_path: Path) -> None:
    from tests.model_servers import Hangs

    with model_server(lambda body: Hangs(), models=("tiny",)) as models:
        (tmp_path / "models.yaml").write_text(programs.models_yaml(models))
        process = Process(tmp_path)
        connection = process.connect()
        begun(connection)
        end = time.monotonic() + 60
        while not models.chats:
            assert time.monotonic() < end
            time.sleep(0.05)
        connection.close()
        assert process.stop(signal.SIGTERM, 10) == 0
