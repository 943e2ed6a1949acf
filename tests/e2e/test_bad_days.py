"""What goes wrong in mid-run: models that misbehave, a disk that fills up. One clear sentence, nothing lost."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import programs
from tests.e2e.processes import Process, events_stored
from tests.e2e.programs import asked_for, begun, ended, good, program
from tests.model_servers import Drops, Endless, Raw, Says, model_server
from tests.tiny_disks import tiny_disk


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (Says(text=""), "nothing"),
        (Drops(), "model"),
        (Endless(pause=0.0), "says the same over and over"),
        (Raw(), "model"),
    ],
    ids=["nothing", "half a reply", "for ever", "a web page"],
)
def test_a_model_that_misbehaves_while_writing_fails_the_task_with_a_sentence_and_the_rest_goes_on(
    tmp_path: Path, behaviour: Any, told: str
) -> None:
    def script(body: Mapping[str, Any]) -> Any:
        prompt = programs.prompt(body)
        return behaviour if asked_for(body) == "text" and "Your task: Facts" in prompt else good(body)

    with (
        model_server(script, models=("tiny",)) as server,
        program(tmp_path / "data", programs.models_yaml(server)) as connection,
    ):
        project, run = begun(connection)
        assert ended(connection, run, 90)["result"] == "partial"
        tasks = {task["title"]: task for task in connection.get(f"/v1/projects/{project}/plan")["tasks"]}
        assert tasks["Facts"]["state"] == "needs_attention" and tasks["Risks"]["state"] == "done"
        finding = tasks["Facts"]["findings"][0]
        assert told in finding and "Traceback" not in finding and len(finding) < 400
        titles = {item["title"] for item in connection.all(f"/v1/projects/{project}/artifacts")}
        assert "Facts" not in titles


def test_a_disk_that_fills_up_in_mid_run_loses_nothing_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "16m") as disk:
        process = Process(disk / "data")
        connection = process.connect()
        try:
            project, run = begun(connection)
            while events_stored(disk / "data") < 12:
                time.sleep(0.001)
            fill(disk / "filler")
            time.sleep(2)
            told = {item["name"]: item for item in connection.get("/v1/doctor")["items"]}
            assert told["data directory"]["level"] == "failed"
            assert "make it writable" in told["data directory"]["detail"] or "room" in told["data directory"]["detail"]
            (disk / "filler").unlink()
            assert ended(connection, run, 90)["result"] == "succeeded"
            assert len(connection.all(f"/v1/projects/{project}/artifacts")) == 7
            findings = connection.get("/v1/doctor", verify=True)["items"]
            assert [item for item in findings if item["name"] == "verify" and item["level"] != "ok"] == []
        finally:
            connection.close()
            process.stop()


def fill(path: Path) -> None:
    """Until nothing more goes on the disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
