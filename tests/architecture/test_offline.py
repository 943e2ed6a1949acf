"""Nothing leaves the machine: a whole rehearsed project touches loopback only, and an idle program no model."""

import socket
import time
from pathlib import Path

import pytest

from tests.e2e.programs import begun, ended, good, models_yaml, program
from tests.model_servers import model_server


def test_the_suite_cannot_reach_out() -> None:
    with pytest.raises(RuntimeError, match="only loopback"):
        socket.create_connection(("192.0.2.1", 80), 0.1)


def test_a_rehearsed_project_needs_no_network(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        _, run = begun(connection)
        assert ended(connection, run)["result"] == "succeeded"


def test_an_idle_program_makes_no_model_call(tmp_path: Path) -> None:
    with (
        model_server(good, models=("tiny",)) as server,
        program(tmp_path / "data", models_yaml(server)) as connection,
    ):
        connection.get("/ready")
        time.sleep(2)
        assert server.requests == []
