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
`caseworks agents copy` and `caseworks agents edit`; it lies in the folder `agents` of the data directory."""


def page(staff: Staff) -> str:
    profiles = [staff.manager, *staff.specialists]
    parts = [ABOUT, "## Agents", *("\n\n".join(_agent(profile)) for profile in profiles)]
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
