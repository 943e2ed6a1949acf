"""Workflows that a user might write, and what they are started with."""

from typing import Any

SMALL = """name: small@1
inputs:
  topic: {about: What it is about.}
start: write
nodes:
  write:
    type: agent
    agent: synthesizer
    task: "Say in two sentences what the sources say about {{ inputs.topic }}."
    next: end
  end:
    type: exit
    output: {text: "{{ nodes.write.text }}", topic: "{{ inputs.topic }}"}
"""

EVERYTHING = """name: everything@1
title: Every kind of node once
inputs:
  topic: {about: What it is about.}
  sides: {about: Which branches to take., default: [facts, risks]}
start: which
nodes:
  which:
    type: router
    by: inputs.sides
    many: true
    labels: {facts: facts, risks: risks, money: money}
    join: together
  facts:
    type: agent
    agent: synthesizer
    task: "What do the sources say about {{ inputs.topic }}?"
    next: together
  risks:
    type: delegate
    agent: critic
    task: "What may go wrong with {{ inputs.topic }}?"
    next: together
  money:
    type: model
    prompt: "What does {{ inputs.topic }} cost?"
    next: together
  together: {type: join, next: find}
  find:
    type: tool
    tool: search_case_file
    arguments: {query: "{{ inputs.topic }}", most: 3}
    next: found
  found:
    type: transform
    function: count@1
    arguments: {of: "{{ nodes.find.result }}"}
    next: tries
  tries:
    type: fan_out
    copies: 3
    join: best
    score: words
    do:
      type: agent
      agent: synthesizer
      task: "Attempt {{ index }} at a brief on {{ inputs.topic }}, from: {{ nodes.facts.text }}"
    next: good
  good:
    type: gate
    judge: "This is a good brief: {{ nodes.tries.best.text }}"
    next: pause
    otherwise: again
  again:
    type: loop
    back_to: tries
    until: {path: good.passed}
    limit: 1
    next: pause
    exhausted: pause
  pause: {type: wait, seconds: 0.2, next: inner}
  inner:
    type: workflow
    graph: small
    inputs: {topic: "{{ inputs.topic }}"}
    next: late
  late:
    type: human
    title: Nobody answers this in time
    timeout: 0.3
    next: ask
    on_failure: ask
  ask:
    type: human
    title: Is it as you want it?
    detail: "About {{ inputs.topic }}"
    next: end
    on_reject: refused
  end:
    type: exit
    output:
      text: "{{ nodes.tries.best.text }}"
      facts: "{{ nodes.facts.text }}"
      risks: "{{ nodes.risks.text }}"
      inner: "{{ nodes.inner.text }}"
      found: "{{ nodes.found.value }}"
      rounds: "{{ nodes.tries.count }}"
      late: "{{ nodes.late.reason }}"
      answer: "{{ nodes.ask.action }}"
  refused:
    type: exit
    result: failed
    reason: A person did not want it.
"""
TOPIC = {"topic": "the lift"}


def of(name: str, nodes: str, inputs: str = "{}", start: str = "one") -> str:
    """A workflow with `nodes` (indented by two) and an exit `end`."""
    return f"name: {name}@1\ninputs: {inputs}\nstart: {start}\nnodes:\n{nodes}  end: {{type: exit}}\n"


def result(run: dict[str, Any]) -> dict[str, Any]:
    """What would be the same another time."""
    return {name: run[name] for name in ("workflow", "result", "reason", "output")}
