"""Prints the reference of agents and plan templates as Markdown: `python -m infrastructure.agents_page`."""

from collections.abc import Iterator, Sequence

from config import catalogue
from domain.agent import OutputType, Profile
from domain.artifact import stage_of
from domain.template import PlanTemplate
from services.staff import MANAGER, Staff, diagram

ABOUT = """# Agents and plan templates

`make docs` writes this page from `config/agents` and `config/templates`.

An agent reads its sections of the case file and what the tasks right before its own made, or for a first task what
was handed over. It writes its sections only, makes its output types only, and never reviews its own work; that is
checked where an artifact is read or written. An agent that is not in this list is written by
`caseworks agents copy` and `caseworks agents edit`, or by REST (`POST /v1/agents`); it lies in the folder `agents` of
the data directory. Taken away (`DELETE /v1/agents/ID`), one that ships is back where yours stood in its place.

## What a profile says

{FIELDS}

Findings on its own work come with its task when it is revised, whatever `context` says. What it wrote earlier than the
work's beginning, or what its task builds on, is what it can be reminded of; its direct inputs are not repeated.

## What the Watcher raises by rule

Without a model, from tasks, runs and reviews; each thing once. Healthy work leaves nothing.

{RULES}

At the end of a run in which anything holds, a health report says it in short."""

FIELDS = [
    (
        "`context_tokens`",
        "how much of the case file is put before it, at most; a model with less room gets less",
        "3000",
    ),
    (
        "`context: order`",
        "what is put in, in this order: `direct` (what the tasks right before made, else what was handed "
        "over) and `search` (the best matches in its sections); what is left out is not put in",
        "`[direct, search]`",
    ),
    (
        "`context: direct_share`",
        "how much of that the direct inputs may take; of a larger one the passages that match best, and some "
        "spread over the rest",
        "0.7",
    ),
    (
        "`context: sections`",
        "where it searches, of the sections that it reads",
        "all of them",
    ),
    (
        "`memory: outputs`",
        "of how many of its own earlier outputs in the project it is reminded, by their beginnings; no model is asked",
        "0, none",
    ),
    (
        "`memory: tokens`",
        "how long these are together",
        "400",
    ),
    (
        "`tier`",
        "the size of model; which model that is, and which stands in for it, say `aliases`, `fallbacks` and "
        "`agents` in `models.yaml` ([Configure a model](../how-to/configure-a-model.md))",
        "large",
    ),
    (
        "`temperature`",
        "how freely it writes; how much is said by `max_words` of an output",
        "0.2",
    ),
    (
        "`wakes`",
        "when it works, in words for people",
        "when a task is given to it",
    ),
]
RULES = [
    (
        "`failed`",
        "alert",
        "at once, for each task that needs attention, and again when it was tried again in vain",
    ),
    (
        "`budget`",
        "anomaly",
        "at once, when 80 % of the project's calls or money are used",
    ),
    (
        "`returned`",
        "anomaly",
        "at the end of the work, for a finding that stands in three reviews of one task",
    ),
    (
        "`costly`",
        "anomaly",
        "at the end, for a task with over 5 times the median of tokens or seconds; from 5 tasks on, above "
        "2,000 tokens or 60 seconds",
    ),
    (
        "`drift`",
        "anomaly",
        "at the end, when more than a third of the tasks are out of date or were added after the work began",
    ),
]


def page(staff: Staff) -> str:
    profiles = [staff.manager, *staff.specialists]
    about = ABOUT.replace("{FIELDS}", _table(("field", "meaning", "without it"), FIELDS))
    about = about.replace("{RULES}", _table(("rule", "makes", "when"), RULES))
    parts = [about, "## Agents", *("\n\n".join(_agent(profile)) for profile in profiles)]
    parts += ["## Who reads and writes what", f"```mermaid\n{diagram(staff)}```"]
    parts += ["## Plan templates", *("\n\n".join(_template(staff, each)) for each in staff.templates.values())]
    return "\n\n".join(parts)


def _agent(profile: Profile) -> Iterator[str]:
    yield f"### {profile.title}"
    yield f"`{profile.id}`: {profile.role}"
    rows = [
        ("reads", ", ".join(profile.reads)),
        ("writes", ", ".join(profile.writes)),
        ("wakes", profile.wakes),
        ("model tier", profile.tier),
        ("context", f"{profile.context_tokens} tokens: {', then '.join(profile.context.order)}"),
        ("memory", f"{profile.memory.outputs} earlier outputs" if profile.memory.outputs else "none"),
        ("tools", ", ".join(profile.tools) or "none"),
        ("reviewed by", profile.reviewer or ("nobody" if profile.name == MANAGER else catalogue.REVIEWER)),
    ]
    yield _table(("", ""), rows)
    if profile.outputs:
        yield _table(("makes", "section", "stage", "headings", "words"), [_output(each) for each in profile.outputs])


def _output(output: OutputType) -> tuple[str, ...]:
    signed = "; a person signs it off" if output.needs_person else ""
    headings = ", ".join(output.headings)
    stage = stage_of(output.kind, None) + signed
    return f"{output.label} (`{output.kind}`)", output.section, stage, headings, str(output.max_words)


def _template(staff: Staff, template: PlanTemplate) -> Iterator[str]:
    yield f"### {template.title}"
    general = " It is taken where none fits." if template.general else ""
    yield f"`{template.name}`: {template.description}{general}"
    titles = {step.key: step.title for step in template.steps}
    rows = [
        (
            step.title,
            staff.agent(step.agent).title,
            f"`{step.makes}`",
            ", ".join(titles[key] for key in step.depends_on),
        )
        for step in template.steps
    ]
    yield _table(("task", "by", "makes", "after"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(page(Staff(shipped=catalogue.profiles(), templates=catalogue.templates())))
