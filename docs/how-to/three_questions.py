"""The same question on several sides of a topic, one after another, then one text. Prints the workflow as YAML."""

from domain.agent_graph import AgentGraph, AgentNode, ExitNode, Input
from services.workflow_formats import yaml_of

SIDES = ("costs", "risks", "dates")


def question(side: str, following: str) -> AgentNode:
    return AgentNode(
        id=side,
        agent="synthesizer",
        task=f"What do the sources say about the {side} of {{{{ inputs.topic }}}}? At most 100 words.",
        next=following,
    )


answers = "\n\n".join(f"{side}: {{{{ nodes.{side}.text }}}}" for side in SIDES)
graph = AgentGraph(
    name="three_questions@1",
    title="Three questions, then one text",
    inputs={"topic": Input(about="What it is about.")},
    start=SIDES[0],
    nodes=(
        *map(question, SIDES, (*SIDES[1:], "together")),
        AgentNode(id="together", agent="synthesizer", task=f"Write one text from these:\n\n{answers}", next="end"),
        ExitNode(id="end", output={"text": "{{ nodes.together.text }}"}),
    ),
)

if __name__ == "__main__":
    print(yaml_of(graph), end="")
