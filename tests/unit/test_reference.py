"""The REST reference says everything that the OpenAPI document says, as Markdown and as a page."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any, Literal

import pytest
from bs4 import BeautifulSoup, Tag
from fastapi import FastAPI, Header, Query, UploadFile
from pydantic import BaseModel, Field

from infrastructure.rest.reference import page, reference
from infrastructure.rest.reference_schema import example_of, slug, type_of


class Assignee(BaseModel):
    kind: Literal["core", "person"] = Field(description="Who: core|person")
    id: str = Field(examples=["synthesizer"])


class NewTask(BaseModel):
    """What a task needs."""

    title: str = Field(max_length=200, description="In <a> few words")
    assignee: Assignee
    hint: str | None = None
    labels: list[str] = []


class Tree(BaseModel):
    children: list["Tree"]


@cache
def document() -> dict[str, Any]:
    app = FastAPI(
        title="Caseworks",
        version="0.1.0",
        description="## Conventions\n\nIds are opaque. <script>alert(1)</script>",
        openapi_tags=[{"name": "tasks", "description": "Work of a plan."}, {"name": "unused"}],
    )

    @app.get("/health", tags=["health"], openapi_extra={"security": []})
    def health() -> dict[str, str]:
        return {}

    @app.post("/v1/projects/{id}/tasks", tags=["tasks"], status_code=201, summary="Add a task")
    def add(
        id: str, task: NewTask, key: str = Header(alias="Idempotency-Key"), limit: int = Query(20, ge=1, le=100)
    ) -> NewTask:
        """The plan gets a new version."""
        return task

    @app.post("/v1/files", tags=["artifacts"])
    def upload(file: UploadFile, since: str) -> Tree:
        return Tree(children=[])

    return app.openapi()


def section(heading: str) -> str:
    """The part of the Markdown below `heading`, up to the next heading."""
    return re.split(r"(?m)^#+ ", reference(document()).split(f"{heading}\n", 1)[1])[0]


def test_a_reference_begins_with_the_conventions() -> None:
    written = reference(document())
    assert written.startswith("# Caseworks REST reference\n")
    assert written.index("Ids are opaque.") < written.index("## Tasks")


def test_a_reference_has_every_operation_under_its_tag_in_order() -> None:
    headings = re.findall(r"(?m)^##+ (.+)$", reference(document()))
    assert headings[1:7] == [
        "Tasks",
        "`POST` `/v1/projects/{id}/tasks`",
        "Health",
        "`GET` `/health`",
        "Artifacts",
        "`POST` `/v1/files`",
    ]


def test_an_operation_lists_its_parameters_with_limits_and_default() -> None:
    said = section("`POST` `/v1/projects/{id}/tasks`")
    assert "**Add a task.**" in said
    assert "The plan gets a new version." in said
    assert "| `limit` | query | integer |  | At least 1, at most 100. Default `20`. |" in said
    assert "| `Idempotency-Key` | header | string | yes |  |" in said


def test_an_operation_lists_the_fields_of_its_body() -> None:
    said = section("`POST` `/v1/projects/{id}/tasks`")
    assert "[NewTask](#schema-newtask)" in said
    assert "| `title` | string | yes | In &lt;a> few words. At most 200 characters. |" in said
    assert "| `assignee` | [Assignee](#schema-assignee) | yes |  |" in said
    assert "| `hint` | string or null |  |  |" in said


def test_a_bar_in_a_description_does_not_break_the_table() -> None:
    assert r"| `kind` | `core` or `person` | yes | Who: core\|person. |" in section("Schema Assignee")


def test_an_operation_shows_a_body_that_fits() -> None:
    found = re.search(r"```json\n(.+?)```", section("`POST` `/v1/projects/{id}/tasks`"), re.DOTALL)
    assert found is not None
    task = NewTask.model_validate_json(found[1])
    assert task.assignee == Assignee(kind="core", id="synthesizer")
    assert "hint" not in json.loads(found[1])


def test_a_command_has_the_token_the_headers_and_the_body() -> None:
    said = section("`POST` `/v1/projects/{id}/tasks`")
    assert "curl -X POST http://127.0.0.1:8470/v1/projects/ID/tasks" in said
    assert '-H "Authorization: Bearer $CASEWORKS_TOKEN"' in said
    assert "-H 'Idempotency-Key: IDEMPOTENCY-KEY'" in said
    assert "-d '{" in said


def test_a_command_for_an_open_operation_has_no_token() -> None:
    assert "TOKEN" not in section("`GET` `/health`")


def test_a_command_for_an_upload_sends_a_form() -> None:
    said = section("`POST` `/v1/files`")
    assert "'http://127.0.0.1:8470/v1/files?since=SINCE'" in said
    assert "-F file=@FILE" in said


def test_responses_are_listed_with_status_and_example() -> None:
    said = section("`POST` `/v1/projects/{id}/tasks`")
    assert "| `201` | Successful Response | [NewTask](#schema-newtask) (`application/json`) |" in said
    assert "| `422` |" in said
    assert "`201` answers, for example:" in said


def test_an_example_of_a_schema_that_contains_itself_ends() -> None:
    assert json.dumps(example_of({"$ref": "#/components/schemas/Tree"}, document())).count("children") < 10


def test_an_example_that_is_given_is_used() -> None:
    assert example_of({"type": "string", "examples": ["prj_1"]}, {}) == "prj_1"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"const": 3}, "`3`"),
        ({}, "any"),
    ],
)
def test_a_type_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words


def test_anchors_are_those_that_github_makes() -> None:
    assert slug("`POST` `/v1/projects/{id}/tasks`") == "post-v1projectsidtasks"


def test_every_link_in_the_markdown_leads_to_a_heading() -> None:
    written = reference(document())
    anchors = {slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", written)}
    assert set(re.findall(r"\]\(#([^)]+)\)", written)) <= anchors


def test_the_page_is_complete_and_runs_nothing() -> None:
    soup = BeautifulSoup(page(document()), "html.parser")
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert isinstance(policy, Tag)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert soup.find_all(["script", "img", "link", "iframe"]) == []
    assert soup.find_all(src=True) == []
    assert "alert(1)" in soup.get_text()


def test_every_link_of_the_page_leads_to_one_place_on_it() -> None:
    soup = BeautifulSoup(page(document()), "html.parser")
    ids = [str(tag["id"]) for tag in soup.find_all(id=True)]
    targets = {str(tag["href"])[1:] for tag in soup.find_all(href=re.compile("^#"))}
    assert len(ids) == len(set(ids))
    assert len(targets) >= 6
    assert targets <= set(ids)


def test_the_reference_is_the_same_every_time() -> None:
    assert (reference(document()), page(document())) == (reference(document()), page(document()))


def test_a_document_without_paths_has_a_reference() -> None:
    assert reference({"info": {"title": "Empty"}}).startswith("# Empty REST reference")
    assert "<main>" in page({})


def test_importing_the_reference_loads_neither_the_app_nor_a_parser() -> None:
    code = "import sys, infrastructure.rest.reference; print({'fastapi', 'markdown_it'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
