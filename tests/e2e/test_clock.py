"""A clock that jumps in the middle of the work, as on a laptop that wakes up or is corrected by a time server."""

from pathlib import Path

import pytest

from tests.e2e.processes import Process
from tests.e2e.programs import begun, ended, good, models_yaml, until
from tests.model_servers import Says, model_server

DAY = 86_400
IN_FLIGHT = 4
"""Calls that may be made again, under their keys, when a lease ends at once."""


@pytest.mark.parametrize("jump", [-3 * DAY, 3 * DAY], ids=["back", "forth"])
def test_work_goes_on_when_the_clock_jumps(tmp_path: Path, jump: int) -> None:
    data, clock = tmp_path / "data", tmp_path / "clock"
    data.mkdir()
    clock.write_text("0")
    with model_server(lambda body: Says(text=good(body), pause=0.01)) as server:
        (data / "models.yaml").write_text(models_yaml(server))
        process = Process(data, "tests.e2e.quick_days", str(clock))
        try:
            connection = process.connect()
            project, run = begun(connection)
            until(lambda: len(server.chats), lambda count: count >= 2)
            (tmp_path / "next").write_text(str(jump))
            (tmp_path / "next").replace(clock)
            assert ended(connection, run, 60)["result"] == "succeeded"
            other, again = begun(connection, "Brief me on the doors")
            assert ended(connection, again, 60)["result"] == "succeeded"
            recorded = sum(connection.get(f"/v1/projects/{each}/usage")["calls"] for each in (project, other))
            assert recorded <= len(server.chats) <= recorded + IN_FLIGHT
            plan = connection.get(f"/v1/projects/{project}/plan")["tasks"]
            assert {(task["state"], task["attempts"]) for task in plan} == {("done", 1)}
            connection.close()
        finally:
            process.stop()
