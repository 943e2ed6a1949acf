"""The OpenAPI document is right about the running server."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from infrastructure.rest.__main__ import document
from tests.e2e.rest_client import Rest, Running, refused

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
STREAMS = {"follow_run", "follow_project"}  # they do not end by themselves
EXAMPLES = 12
Described = APIOperation[Any, Any, Any, Any]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


NAMES = [operation["operationId"] for _, _, operation in operations() if operation["operationId"] not in STREAMS]
NAMES.sort(key="archive_project".__eq__)  # last: it leaves nothing to work on


@pytest.fixture(scope="module")
def known(rest: Rest) -> dict[str, str]:
    """Ids that exist, so that more than 404 is seen."""
    project, run = rest.done()
    artifact = rest.items(f"/v1/projects/{project}/artifacts")[-1]["id"]
    task = rest.items(f"/v1/projects/{project}/tasks")[0]["id"]
    member = rest.items(f"/v1/projects/{project}/members")[0]["id"]
    ids = {"project_id": project, "run_id": run, "artifact_id": artifact, "task_id": task, "member_id": member}
    ids |= {"agent_id": "agt_synthesizer", "item_id": "inb_none", "name": "one_attempt"}
    return {**ids, "id": project, "kind": "project"}


@pytest.fixture(scope="module")
def described(running: Running) -> dict[str, Described]:
    schema = schemathesis.openapi.from_dict(running.rest.get("/openapi.json").json())
    schema.config.update(base_url=running.url)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.mark.parametrize("name", NAMES)
def test_the_server_answers_as_it_is_described(
    name: str, described: Mapping[str, Described], known: Mapping[str, str], running: Running
) -> None:
    operation = described[name]
    fixed = {key: value for key, value in known.items() if f"{{{key}}}" in operation.path}
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    strategies = [operation.as_strategy(mode, path_parameters=fixed) for mode in (*modes, *modes)]
    strategies += [
        operation.as_strategy(GenerationMode.POSITIVE, path_parameters=fixed),
        operation.as_strategy(modes[1]),
    ]
    headers = {"Authorization": f"Bearer {running.token}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies))
    def check(case: Case[Any]) -> None:
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 400 or response.headers["content-type"] == ["application/problem+json"]

    check()


def test_the_document_is_openapi_3_1() -> None:
    made = document()
    assert made["openapi"].startswith("3.1") and made["info"]["title"] == "Caseworks"
    for schema in made["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    defined = set(made["components"]["schemas"])
    used = set(re.findall(r"'#/components/schemas/(\w+)'", str(made)))
    assert used <= defined and "HTTPValidationError" not in defined | used
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)


def test_every_operation_is_described() -> None:
    tags = {tag["name"] for tag in document()["tags"]}
    for method, path, operation in operations():
        assert operation["summary"] and operation["operationId"], path
        assert set(operation["tags"]) <= tags and len(operation["tags"]) == 1, path
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert all(parameter.get("description") for parameter in operation.get("parameters", [])), path
        assert ("Idempotency-Key" in named) == (method == "post"), path
        assert set(re.findall(r"\{(\w+)\}", path)) <= named
        for status in ("4XX", "5XX"):
            assert operation["responses"][status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }


def test_every_body_has_an_example_that_its_schema_takes() -> None:
    components = document()["components"]
    bodies = [operation["requestBody"] for _, _, operation in operations() if "requestBody" in operation]
    assert len(bodies) > 8
    for body in bodies:
        for content in body["content"].values():
            reference = content["schema"].get("$ref") or content["schema"]["anyOf"][0]["$ref"]
            schema = components["schemas"][reference.rpartition("/")[2]]
            assert schema["examples"]
            for example in schema["examples"]:
                Draft202012Validator({**schema, "components": components}).validate(example)


def test_examples_of_answers_are_answers() -> None:
    components = document()["components"]
    for schema in components["schemas"].values():
        for example in schema.get("examples", []):
            Draft202012Validator({**schema, "components": components}).validate(example)


def test_streams_files_and_reports_have_their_media_types() -> None:
    media = {
        operation["operationId"]: set(operation["responses"]["200"]["content"])
        for _, _, operation in operations()
        if "200" in operation["responses"]
    }
    assert media["follow_run"] == media["follow_project"] == {"text/event-stream"}
    assert media["get_report"] == {"text/html"} and media["get_content"] == {"*/*"}
    assert media["get_draft"] == {"text/plain"} and media["export_project"] == {"application/zip"}
    assert media["get_graph"] == {"application/json", "text/plain", "application/graphml+xml"}


def test_the_reference_page_needs_no_network(rest: Rest) -> None:
    answer = rest.get("/reference")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<(script|link|iframe|object|embed|base|form)\b", answer.text)
    assert not re.search(r"(src|href|action)\s*=\s*[\"']?(?!#|data:)[^\s\"'>]*//", answer.text)
    assert "url(" not in answer.text and "@import" not in answer.text
    for _, path, operation in operations():
        assert path in answer.text and operation["summary"] in answer.text


def test_the_server_describes_itself_as_the_repository_does(rest: Rest) -> None:
    assert rest.get("/openapi.json").json() == document()
    refused(rest.get("/docs"), 404)
    refused(rest.get("/redoc"), 404)
