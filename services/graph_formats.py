"""Knowledge graphs for other programs: as a Mermaid flowchart, as GraphML."""

import io
import re
from typing import Any

from domain.errors import Invalid
from services.ports.views import Subgraph

MERMAID_LIMIT = 50_000
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold: https://www.w3.org/TR/xml/#charsets."""


def mermaid(graph: Subgraph) -> str:
    """A flowchart. Raises Invalid when it would be larger than 50 KB."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    lines += [f'  {names[node.id]}["{_quoted(node.label)}<br/><small>{node.kind}</small>"]' for node in graph.nodes]
    lines += [f"  {names[edge.source]} -->|{edge.relation}| {names[edge.target]}" for edge in graph.edges]
    text = "\n".join(lines) + "\n"
    if len(text) > MERMAID_LIMIT:
        raise Invalid("This graph is too large for a Mermaid picture; ask for neighbours, or for format=json.")
    return text


def graphml(graph: Subgraph) -> bytes:
    """XML in UTF-8 (http://graphml.graphdrawing.org). Nodes have `kind` and `label`; edges `relation`, `at` and, where
    a run made them, `run_id`. Characters that XML forbids are left out."""
    import networkx as nx

    made: Any = nx.MultiDiGraph()
    for node in graph.nodes:
        made.add_node(_xml(node.id), kind=_xml(node.kind), label=_xml(node.label))
    for number, edge in enumerate(graph.edges):
        run = {} if edge.run_id is None else {"run_id": _xml(edge.run_id)}
        values = {"relation": edge.relation, "at": edge.at.isoformat(), **run}
        made.add_edge(_xml(edge.source), _xml(edge.target), key=f"e{number}", **values)
    written = io.BytesIO()
    nx.write_graphml(made, written)
    return written.getvalue()


def _quoted(text: str) -> str:
    return re.sub(r'["<>`&#]', " ", text)[:80]


def _xml(text: str) -> str:
    return NO_XML.sub("", text)
