"""An installation that nobody asks for anything asks no model, however many days go by."""

import time
from datetime import datetime
from pathlib import Path

from infrastructure.cli.connection import Connection
from tests.e2e.processes import Process
from tests.e2e.programs import begun, ended, good, models_yaml, program, until
from tests.model_servers import model_server


def today(connection: Connection) -> datetime:
    """By the server's clock."""
    return datetime.fromisoformat(connection.post("/v1/projects", {"goal": "Tell the time"})["created_at"])


def test_days_go_by_without_a_call(tmp_path: Path) -> None:
    with model_server(good) as server:
        watched = tmp_path / "watched"
        watched.mkdir()
        with program(tmp_path / "data", models_yaml(server)) as connection:
            project, run = begun(connection)
            assert ended(connection, run)["result"] == "succeeded"
            connection.patch(f"/v1/projects/{project}", {"watched_folder": str(watched)})
            waiting, _ = begun(connection, "Brief me on the doors", approve_plan=True)
            until(lambda: connection.get("/v1/inbox")["items"], bool)
            until(lambda: connection.get(f"/v1/projects/{waiting}/runs")["items"][0]["state"], "waiting".__eq__)
        before = len(server.requests)
        process = Process(tmp_path / "data", "tests.e2e.quick_days")
        try:
            connection = process.connect()
            first = today(connection)
            time.sleep(8)
            assert (today(connection) - first).days >= 5, "days went by for the server"
            assert connection.get("/v1/inbox")["items"], "what waited for a person waits still"
            connection.close()
        finally:
            process.stop()
        assert server.requests[before:] == []
