"""A program beside the test, on a data directory of its own, with a scripted model server or the rehearsal model."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from config.settings import load
from infrastructure.cli.connection import Connection
from infrastructure.serving import beside
from tests.model_behaviours import smallest
from tests.model_servers import ModelServer

SOURCE = """# Lift manual

The lift carries at most 400 kg or five persons. It must be inspected every twelve months by a certified inspector.

## Failures

When the door does not close within 20 seconds the controller stops the lift and raises alarm 17. Alarm 17 may only be
cleared by a technician. The emergency brake engages at 1.4 m/s and must not be released by hand.

## Open points

Spare parts should be ordered early; the delivery time depends on the supplier. It is not decided who pays for the
inspection of the second lift.
"""


def models_yaml(server: ModelServer, **alias: Any) -> str:
    return yaml.safe_dump(
        {
            "default": "main",
            "backends": {"local": {"kind": "openai", "base_url": server.openai_url}},
            "aliases": {"main": {"backend": "local", "model": "tiny", "parallel": 4, **alias}},
        }
    )


@contextmanager
def program(folder: Path, models: str | None = None, **flags: Any) -> Iterator[Connection]:
    """Without `models` it rehearses."""
    folder.mkdir(parents=True, exist_ok=True)
    if models is not None:
        (folder / "models.yaml").write_text(models)
    flags.setdefault("limits", {"requests_per_minute": 100_000})
    with beside(load(folder, {}, **flags), dispatch=True) as served:
        connection = Connection(served.url, served.token)
        try:
            yield connection
        finally:
            connection.close()


def begun(connection: Connection, goal: str = "Brief me on the lift", **more: Any) -> tuple[str, str]:
    """A project with one source, and its run."""
    project = connection.post("/v1/projects", {"goal": goal, **more})["id"]
    connection.post(f"/v1/projects/{project}/artifacts", {"title": "Lift manual", "text": SOURCE})
    return project, connection.post(f"/v1/projects/{project}/runs")["id"]


def ended(connection: Connection, run: str, seconds: float = 30) -> dict[str, Any]:
    found: dict[str, Any] = until(
        lambda: connection.get(f"/v1/runs/{run}"), lambda found: found["state"] == "ended", seconds
    )
    return found


def until(look: Callable[[], Any], holds: Callable[[Any], bool], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not holds(found := look()):
        assert time.monotonic() < end, f"still {found}"
        time.sleep(0.05)
    return found


def asked_for(body: Mapping[str, Any]) -> str:
    """What a chat request wants: outline, detail, verdicts, other fields or text."""
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
    known = {"tasks": "outline", "brief": "detail", "verdicts": "verdicts"}
    return known.get(next(iter(schema.get("properties", {})), ""), "fields" if schema else "text")


def prompt(body: Mapping[str, Any]) -> str:
    return "\n".join(str(message["content"]) for message in body["messages"])


def outline(*tasks: tuple[str, str, list[int]]) -> str:
    return json.dumps({"tasks": [{"title": t, "makes": m, "depends_on": d} for t, m, d in tasks]})


def detail(text: str = "Say what the manual says, with numbers.", *criteria: str) -> str:
    return json.dumps({"brief": text, "criteria": list(criteria) or ["It names the limit of 400 kg"]})


def verdicts(body: Mapping[str, Any], verdict: str = "met", evidence: str = "seen") -> str:
    schema = body["response_format"]["json_schema"]["schema"]
    count = schema["properties"]["verdicts"]["minItems"]
    return json.dumps({"verdicts": [{"evidence": evidence, "verdict": verdict}] * count})


def draft(body: Mapping[str, Any]) -> str:
    """A text in the shape that is asked for."""
    import re

    text = prompt(body)
    headings = re.findall(r"`## ([^`]+)`", text)
    title = re.search(r"beginning with the heading `# ([^`]+)`", text)
    parts = [f"# {title[1] if title else 'Draft'}"]
    parts += [
        f"## {heading}\n\nThe lift carries at most 400 kg and is inspected every twelve months. [S1]"
        for heading in headings
    ]
    return "\n\n".join(parts)


def good(body: Mapping[str, Any]) -> str:
    """A model that does everything right."""
    match asked_for(body):
        case "outline":
            return outline(
                ("Facts", "synthesizer:summary", []),
                ("Risks", "critic:risk_register", []),
                ("Brief", "synthesizer:executive_brief", [1, 2]),
            )
        case "detail":
            return detail()
        case "verdicts":
            return verdicts(body)
        case "fields":
            return json.dumps(smallest(body["response_format"]["json_schema"]["schema"]))
        case _:
            return draft(body)
