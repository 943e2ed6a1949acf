"""Knowledge graphs."""

from typing import Annotated, Any

from pydantic import Field

from domain.knowledge_graph import Addable
from infrastructure.rest.schemas.wire import Time, Wire, example


class NodeOut(Wire):
    id: str
    kind: str
    label: str


class EdgeOut(Wire):
    source: str
    target: str
    relation: str = Field(description="A term of W3C PROV, or one of ours.")
    at: Time
    run_id: str | None


class GraphOut(Wire):
    """Node-link form, as networkx reads it. Edges point to the earlier thing."""

    model_config = example(
        directed=True, multigraph=True,
        nodes=[
            {"id": "art_06b2x", "kind": "summary", "label": "Summary of the sources"},
            {"id": "art_06b2w", "kind": "source", "label": "Licence"},
        ],
        edges=[{"source": "art_06b2x", "target": "art_06b2w", "relation": "wasDerivedFrom",
                "at": "2026-11-21T09:00:00Z", "run_id": "run_06b2z"}],
    )  # fmt: skip
    directed: bool
    multigraph: bool
    nodes: list[NodeOut]
    edges: list[EdgeOut]


class EdgeBody(Wire):
    model_config = example(source="art_06b2x", relation="about", target="Emergency brake")
    source: Annotated[str, Field(max_length=100)] = Field(description="The id of an artifact or a task.")
    relation: Addable = Field(description="Where things come from and who checked them cannot be added.")
    target: Annotated[str, Field(min_length=1, max_length=80)] = Field(
        description="The id of what it leads to; for `about` also a topic by its label, which may be new."
    )


class ItemOut(Wire):
    id: str
    kind: str
    label: str
    detail: str = Field(description="What it has to do with the question.")


class GraphAnswerOut(Wire):
    model_config = example(
        question="What rests on “Lift manual” (art_06b2w)?",
        answer=["1 thing rests on “Lift manual”, directly.", "Directly: “Summary”."],
        items=[{"id": "art_06b2x", "kind": "summary", "label": "Summary", "detail": "made from it"}],
        truncated=False,
    )
    question: str
    answer: list[str] = Field(description="Sentences.")
    items: list[ItemOut]
    truncated: bool = Field(description="There is more than the items show.")


Records = dict[str, dict[str, Any]]


class ProvOut(Wire):
    """W3C PROV-JSON. Artifacts and projects are entities, tasks and runs activities; relations that PROV does not
    know are attributes in the namespace `cw:`."""

    model_config = example(
        prefix={"cw": "urn:caseworks:"},
        entity={"cw:art_06b2x": {"prov:label": "Summary"}, "cw:art_06b2w": {"prov:label": "Licence"}},
        wasDerivedFrom={
            "_:wasDerivedFrom1": {"prov:generatedEntity": "cw:art_06b2x", "prov:usedEntity": "cw:art_06b2w"}
        },
    )  # fmt: skip
    prefix: dict[str, str]
    entity: Records = Field(default_factory=dict)
    activity: Records = Field(default_factory=dict)
    agent: Records = Field(default_factory=dict)
    wasDerivedFrom: Records = Field(default_factory=dict)
    wasGeneratedBy: Records = Field(default_factory=dict)
    used: Records = Field(default_factory=dict)
    wasAttributedTo: Records = Field(default_factory=dict)
    wasAssociatedWith: Records = Field(default_factory=dict)
    actedOnBehalfOf: Records = Field(default_factory=dict)


class PathsOut(Wire):
    model_config = example(paths=[["art_06b2x", "art_06b2w"]])
    paths: list[list[str]]
