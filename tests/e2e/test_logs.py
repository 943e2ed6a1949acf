"""Logs: JSON lines with the correlation id from request to call; no prompt, text or secret."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from infrastructure.cli.connection import Connection
from tests.e2e.programs import SOURCE, ended

CORRELATION = "my-correlation-17"


def test_a_correlation_id_goes_from_the_request_through_the_run_to_the_call_and_nothing_leaks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.server_process", str(tmp_path / "data"), "DEBUG"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert popen.stdout is not None
        token = ""
        try:
            url = popen.stdout.readline().strip()
            token = (tmp_path / "data/token").read_text().strip()
            connection = Connection(url, token)
            headers = {"X-Correlation-ID": CORRELATION}
            project = connection.post("/v1/projects", {"goal": "Brief me on the secret lift"})["id"]
            connection.post(f"/v1/projects/{project}/artifacts", {"title": "Lift manual", "text": SOURCE})
            run = connection.post(f"/v1/projects/{project}/runs", headers=headers)["id"]
            ended(connection, run)
            connection.close()
        finally:
            popen.terminate()
            popen.wait(10)
            popen.stdout.close()
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    ours = [line for line in lines if line.get("correlation") == CORRELATION]
    assert {"services.desk", "services.running.runner", "services.running.calls"} <= {line["logger"] for line in ours}
    assert any(line.get("run") == run for line in ours)
    assert any(str(line.get("call", "")).startswith("run_") for line in ours)
    for secret in (token, "secret lift", "alarm 17", "400 kg"):
        assert secret not in text


def test_the_standard_library_s_logging_flows_in() -> None:
    program = (
        "import logging; from config.settings import Log; from infrastructure.telemetry import set_up;"
        "set_up(Log(format='json', level='INFO')); logging.getLogger('elsewhere').warning('something %s', 'odd')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["level"], line["message"]) == (logging.getLevelName(logging.WARNING), "elsewhere: something odd")
