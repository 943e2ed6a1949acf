"""Prints the reference of workflows as Markdown: `python -m infrastructure.workflows_page`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from config.workflow_files import SHIPPED, WorkflowFiles, schema
from domain.agent_graph import AgentGraph
from services.work.filling import fill_form
from services.work.tools import INSTALLED
from services.work.transforms import FILL_FORM, FUNCTIONS

Schema = Mapping[str, Any]
ABOUT = """# Workflows

`make docs` writes this page, and [workflow.schema.json](workflow.schema.json) for editors, from the program.
[How to write one](../how-to/write-a-workflow.md) shows it by an example.

A workflow is a YAML file with a name, a version behind `@`, the node to `start` with, and its `nodes` by name. A run
goes from node to node until an `exit`. Runs that are under way keep the workflow as it was when they began."""
REFERENCES = """## References

In texts and values, `{{ nodes.draft.text }}` stands for a field of what a node gave last (`nodes.` may be left out),
`{{ inputs.topic }}` for an input of the run, and inside a `fan_out` `{{ item }}` and `{{ index }}` for the part's item
and its place, from 0 on. A value that is nothing but one reference becomes the very thing: a list stays a list. A field
that is a path (`by`, `over`, `watch`, `path`) holds the same without braces: `draft.findings.0`.

What nodes give:"""
GIVES = [
    (
        "agent, model",
        "`text`, `citations`, `words`, `model`, `rehearsed`; with `gives`, those fields instead of a text",
    ),
    ("tool", "`result`"),
    ("transform", "`value`"),
    ("gate", "`passed`; with `judge` also `reason`"),
    ("router", "`labels`"),
    ("fan_out", "`items`, `count` of those that succeeded, `failed`"),
    (
        "fan_out: first, majority, best",
        "also `index` and `best`; a majority `winner` and `votes`, the best its `score`",
    ),
    ("human", "`action`, `hint`; of work that was handed in also its `title` and `digest`"),
    ("workflow", "the `output` of its exit, `result`, `reason`"),
    ("delegate, request", "`text`, `citations`, `model`, `rehearsed`"),
    ("broadcast", "`message_id`"),
    ("any that failed", "`failed`, `reason`, where its `on_failure` leads on"),
]
CONDITIONS = """## Conditions

`when` and `until` compare the value at a path: `{path: critique.change, op: eq, value: true}`. `op` is `eq`, `ne`,
`lt`, `le`, `gt`, `ge`, `in` (the value is one of a list) or `has` (a list or text holds it); without `op` and `value`,
the value must be true. `value` may hold references: `{path: second.words, op: lt, value: "{{ nodes.first.words }}"}`.
`{all: […]}`, `{any: […]}` and `{not: …}` combine conditions."""


def page() -> str:
    made = schema()
    kinds = made["properties"]["nodes"]["additionalProperties"]["discriminator"]["mapping"]
    nodes = {kind: made["$defs"][ref.rpartition("/")[2]] for kind, ref in kinds.items() if kind != "child"}
    parts = [ABOUT, "## The file", _fields(made, made), "## Nodes"]
    for kind, node in nodes.items():
        parts += [f"### {kind}", " ".join(node["description"].split()), _fields(node, made)]
    parts += [REFERENCES, _table(("node", "fields"), GIVES), CONDITIONS, "## Functions", _functions()]
    parts += ["## Tools", _tools(), "## Those that ship", _shipped(WorkflowFiles(SHIPPED).all())]
    return "\n\n".join(parts)


def _fields(definition: Schema, whole: Schema) -> str:
    needed = definition.get("required", [])
    rows = [
        (f"`{name}`", _kind(field, whole), "yes" if name in needed else _default(field), field.get("description", ""))
        for name, field in definition["properties"].items()
        if name != "type"
    ]
    return _table(("field", "is", "needed, or by default", ""), rows)


def _kind(field: Schema, whole: Schema) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(each, whole) for each in field["anyOf"] if each.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        target = whole["$defs"].get(field["$ref"].rpartition("/")[2], {})
        return ", ".join(f"`{value}`" for value in target["enum"]) if "enum" in target else _titled(target)
    if "oneOf" in field:
        kinds = field.get("discriminator", {}).get("mapping", {})
        return " or ".join(f"`{kind}`" for kind in kinds if kind != "child") or "a condition"
    return f"{_plain(field, whole)}{_bounds(field)}"


def _titled(target: Schema) -> str:
    fields = ", ".join(f"`{name}`" for name in target.get("properties", {}))
    return f"a mapping with {fields}" if fields else "a condition" if "oneOf" in target else "any value"


def _plain(field: Schema, whole: Schema) -> str:
    match field.get("type"):
        case "array":
            return f"a list of {_kind(field.get('items', {}), whole)}"
        case "object":
            inner = field.get("additionalProperties")
            if not isinstance(inner, Mapping) or "oneOf" in inner:
                return "a mapping"
            return f"a mapping to {_kind(inner, whole)}"
        case "string":
            return "a path" if r"(\." in field.get("pattern", "") else "a name" if "pattern" in field else "a text"
        case "integer" | "number":
            return "a number"
        case "boolean":
            return "true or false"
    return "any value"


def _bounds(field: Schema) -> str:
    least, above, most = (field.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    low = f"{least:,}" if least is not None else f"more than {above:,}" if above is not None else ""
    return f", {low}{f' to {most:,}' if most is not None else ' or more' if least is not None else ''}" if low else ""


def _default(field: Schema) -> str:
    value = field.get("default")
    return "" if value in (None, "", [], {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _functions() -> str:
    known = {**FUNCTIONS, FILL_FORM: fill_form}
    rows = [(f"`{name}`", " ".join((made.__doc__ or "").split())) for name, made in known.items()]
    return _table(("function", "gives"), rows)


def _tools() -> str:
    tools: Mapping[str, tuple[str, Any]] = INSTALLED
    rows = [
        (f"`{name}`", about, ", ".join(f"`{n}`" for n in taken["properties"])) for name, (about, taken) in tools.items()
    ]
    return _table(("tool", "does", "arguments"), rows)


def _shipped(workflows: Mapping[str, AgentGraph]) -> str:
    rows = [(f"`{name}`", graph.description, _fits(graph)) for name, graph in sorted(workflows.items())]
    return _table(("workflow", "does", "chosen by itself for"), rows)


def _fits(graph: AgentGraph) -> str:
    if graph.fits is None:
        return "nothing"
    kinds = f" that make {', '.join(f'`{kind}`' for kind in graph.fits.kinds)}" if graph.fits.kinds else ""
    sources = f", from {graph.fits.sources} sources on" if graph.fits.sources else ""
    return f"{' and '.join(graph.fits.complexity)} tasks{kinds}{sources}. {graph.fits.because}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"


if __name__ == "__main__":
    print(page())
