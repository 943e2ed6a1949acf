"""Knowledge graphs and answers from them, as REST shows them."""

from domain.knowledge_graph import Edge
from infrastructure.rest import schemas
from services.ports.views import Subgraph
from services.questions.answer import Answer


def graph(item: Subgraph) -> schemas.GraphOut:
    return schemas.GraphOut(
        directed=True,
        multigraph=True,
        nodes=[schemas.NodeOut(id=node.id, kind=node.kind, label=node.label) for node in item.nodes],
        edges=[edge(one) for one in item.edges],
    )


def edge(item: Edge) -> schemas.EdgeOut:
    return schemas.EdgeOut(
        source=item.source, target=item.target, relation=item.relation, at=item.at, run_id=item.run_id
    )


def graph_answer(item: Answer) -> schemas.GraphAnswerOut:
    return schemas.GraphAnswerOut(
        question=item.question,
        answer=list(item.answer),
        items=[schemas.ItemOut(id=i.id, kind=i.kind, label=i.label, detail=i.detail) for i in item.items],
        truncated=item.truncated,
    )
