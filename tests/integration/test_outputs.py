"""What a run gave, as a reader gets it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from adapters.content.files import FileContent
from domain.run import Run, Usage
from services.outputs import CUT, MOST, readable

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
RUN = Run(
    id="run_1",
    workspace_id="wsp_1",
    project_id="prj_1",
    root_id="run_1",
    graph="mine@1",
    graph_digest="sha256:0",
    actor="agt_1",
    on_behalf_of="usr_1",
    created_at=AT,
)


@pytest.fixture
def content(tmp_path: Path) -> FileContent:
    return FileContent(tmp_path / "content")


def kept(content: FileContent, text: str, workspace: str = "wsp_1") -> dict[str, JsonValue]:
    return {"content": asyncio.run(content.put(workspace, text.encode()))}


def read(content: FileContent, **output: Any) -> dict[str, JsonValue]:
    found = asyncio.run(readable(content, RUN.ended("succeeded", "", AT, Usage(), output)))
    assert found is not None
    return found


def test_a_run_that_has_not_ended_gives_nothing(content: FileContent) -> None:
    assert asyncio.run(readable(content, RUN)) is None


def test_texts_that_are_held_as_content_stand_there_as_texts(content: FileContent) -> None:
    held = kept(content, "The lift carries 400 kg.")
    found = read(content, text=held, items=[{"text": held, "words": 5}, None], passed=True)
    text = "The lift carries 400 kg."
    assert found == {"text": text, "items": [{"text": text, "words": 5}, None], "passed": True}


def test_it_is_cut_where_it_is_longer_than_200_kb_in_all(content: FileContent) -> None:
    half = kept(content, "x" * (MOST // 2))
    found = read(content, one=half, two=half, three=half, four="word")
    assert found["one"] == found["two"] == "x" * (MOST // 2)
    assert found["three"] == found["four"] == CUT


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "../../token", "sha256:../../../../token", ""])
def test_content_that_is_not_there_is_said_to_be_missing(content: FileContent, digest: str) -> None:
    found = read(content, text={"content": digest})
    assert str(found["text"]).startswith("(")


def test_content_of_another_workspace_is_not_there(content: FileContent) -> None:
    found = read(content, text=kept(content, "A secret of others.", "wsp_2"))
    assert "secret" not in str(found)
