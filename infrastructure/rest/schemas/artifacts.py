"""Artifacts, versions, judgements, the case file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from domain.artifact import SECTIONS
from infrastructure.rest.schemas.wire import Text, Time, Wire, example

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", description="What it is.")]


def _section(name: str) -> str:
    if name not in SECTIONS:
        raise ValueError(f"a case file has the sections {', '.join(SECTIONS)}")
    return name


Section = Annotated[
    str, AfterValidator(_section), Field(description="Where it is filed.", json_schema_extra={"enum": list(SECTIONS)})
]


class VerdictOut(Wire):
    text: str
    verdict: str
    evidence: str


class QAOut(Wire):
    checked_by: str
    method: str
    verdict: str
    criteria: list[VerdictOut]
    at: Time
    note: str


class RefOut(Wire):
    artifact_id: str
    digest: str


class ArtifactOut(Wire):
    model_config = example(
        id="art_06b2x", project_id="prj_06b2x", title="Summary of the sources", kind="summary", section="synthesis",
        stage="intellectual", owner_id="usr_06b2a", version=1, digest="sha256:" + "0" * 64, locked=False,
        derived_from=[{"artifact_id": "art_06b2w", "digest": "sha256:" + "1" * 64}], made_by="agt_synthesizer",
        task_id="tsk_06b2x", run_id="run_06b2z", media_type="text/markdown", size=2345, model="rehearsal",
        rehearsed=True, qa=None, created_at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    project_id: str
    title: str
    kind: str
    section: str
    stage: str
    owner_id: str
    version: int
    digest: str
    locked: bool
    derived_from: list[RefOut]
    made_by: str
    task_id: str | None
    run_id: str | None
    media_type: str
    size: int
    model: str | None
    rehearsed: bool
    qa: QAOut | None
    created_at: Time


class ArtifactBody(Wire):
    model_config = example(title="Notes of the meeting", text="# Notes\n\nWe agreed to …", kind="note", section="notes")
    title: Annotated[str, Field(min_length=1, max_length=300)]
    text: Text
    kind: Kind = "source"
    section: Section = "sources"
    derived_from: list[str] = Field(default_factory=list, max_length=100, description="Ids of artifacts.")


class ArtifactForm(Wire):
    """A file, and how it is filed. Its name's ending says what it is: text, CSV, JSON, HTML, PDF, office documents,
    books, e-mail, images, zip archives."""

    model_config = example(file="licence.md", title="The licence", kind="source", section="sources")
    file: Annotated[str, WithJsonSchema({"type": "string", "format": "binary"})]
    title: str = Field("", max_length=300, description="The file's name without it.")
    kind: Kind = "source"
    section: Section = "sources"


class VersionBody(Wire):
    model_config = example(text="# Notes\n\nCorrected.")
    text: Text


class VersionForm(Wire):
    """A file. Its name's ending says what it is, as for a new artifact."""

    model_config = example(file="licence.docx")
    file: Annotated[str, WithJsonSchema({"type": "string", "format": "binary"})]


class VersionOut(Wire):
    artifact_id: str
    number: int
    digest: str
    media_type: str
    size: int
    made_by: str
    model: str | None
    rehearsed: bool
    run_id: str | None
    task_id: str | None
    derived_from: list[RefOut]
    created_at: Time


class ShareBody(Wire):
    model_config = example(project_id="prj_06b2y")
    project_id: str = Field(max_length=100, description="The project that gets a copy.")


class QABody(Wire):
    model_config = example(verdict="accept", note="Read and compared with the sources.")
    verdict: Literal["accept", "refuse"] = "accept"
    note: str = Field("", max_length=5_000)
    digest: str | None = Field(None, description="The version that was looked at; refused when it is not the head.")


class CaseFileOut(Wire):
    project_id: str
    sections: dict[str, list[ArtifactOut]]
