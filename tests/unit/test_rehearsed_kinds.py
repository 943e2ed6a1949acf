"""What the rehearsal makes of each output type of the team: it passes the checks in code and claims nothing untrue."""

import re

import pytest

from adapters.llm.forms import asked, times
from adapters.llm.rehearsal import NO_CODE, NOT_ESTIMATED, NOT_HERE, NOTHING, NOTICE, RehearsalLLM
from adapters.llm.themes import SOFTWARE, UNWRITTEN
from config.catalogue import profiles
from domain.agent import OutputType
from domain.ports.llm import Passage, Request, Shape
from services.work.criteria import criteria_for
from services.work.rules import Subject, verdict_of

OUTPUTS = {output.kind: output for profile in profiles().values() for output in profile.outputs}
CODE = sorted(kind for kind in OUTPUTS if re.search(SOFTWARE, kind))
EXPORT = """# The reporting page

The reporting page shows the sales of a month as a table of at most 5,000 rows. Users must be able to export the table
as CSV. The export must not take longer than 10 seconds. Every export is checked against the table before the release.
The nightly job may fail when the disk is full, and the loss of a report is a risk.

## Dates

The old proxy must be replaced before 3 March 2027. The supplier needs 3 weeks for that. The release is
planned for June.

## Open points

It is not decided whether the export holds hidden columns. Because the disk is small, old reports are deleted.
"""
DISK = "The disk of the server holds 200 GB and was full on 12 May 2026. A backup must be made every 7 days."
GOAL = "Add a CSV export to the reporting page. It should work for analysts."
BRIEF = f"Write what is needed for it: {GOAL} Mind that the old proxy blocks downloads."
TASK = (
    f"The project's goal: {GOAL}\n\nYour task: The change\n{BRIEF}\n\nWhat a good one looks like: Short and exact."
    "\n\nIt will be checked against: It is there."
)


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(
        Passage(label=f"S{n}", text=text, source=f"art_{n}", title=f"Document {n}") for n, text in enumerate(texts, 1)
    )


async def written(output: OutputType, *texts: str, task: str = TASK) -> str:
    shape = Shape(
        kind=output.kind,
        title="The change",
        headings=output.headings,
        max_words=output.max_words,
        cite=bool(texts),
    )
    request = Request(alias="a", system="s", task=task, idempotency_key="k", passages=passages(*texts), shape=shape)
    return (await RehearsalLLM().complete(request)).text


def body(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0].replace(NOTICE, "").strip()


@pytest.mark.parametrize("texts", [(EXPORT, DISK), (EXPORT,), ()], ids=["two sources", "one source", "none"])
@pytest.mark.parametrize("kind", OUTPUTS)
async def test_every_output_type_passes_its_checks_in_code(kind: str, texts: tuple[str, ...]) -> None:
    output = OUTPUTS[kind]
    text = await written(output, *texts)
    labels = frozenset(f"S{n}" for n, _ in enumerate(texts, 1))
    subject = Subject(text=text, given=labels, known=frozenset())
    criteria = criteria_for(output, output.headings, output.max_words, (), cites=bool(texts))
    verdicts = [verdict_of(subject, criterion) for criterion in criteria]
    assert [verdict for verdict in verdicts if verdict is not None and verdict.verdict == "not_met"] == [], text
    assert text.endswith(f"{NOTICE}\n")


@pytest.mark.parametrize("kind", OUTPUTS)
async def test_every_sentence_is_one_of_the_sources_or_of_what_was_asked_for(kind: str) -> None:
    text = await written(OUTPUTS[kind], EXPORT, DISK)
    known = " ".join(f"{EXPORT} {DISK} {TASK}".split())
    for line in text.splitlines():
        item = re.match(r"- (?:\[ \] )?(.+?)(?: \[S\d\])?$", line)
        quoted = re.search(r'"(.+)"', line)
        if item is not None and not line.endswith(("? [S1]", "? [S2]")):
            assert item[1].rstrip(".") in known, line
        elif quoted is not None:
            assert quoted[1] in known, line


@pytest.mark.parametrize("kind", CODE)
async def test_a_rehearsal_of_code_says_that_nothing_was_written_or_run_and_what_is_to_be_done(kind: str) -> None:
    output = OUTPUTS[kind]
    text = await written(output, EXPORT, DISK)
    assert text.splitlines()[2] == NO_CODE
    assert "```" not in text
    empty = [heading for heading in output.headings if body(text, heading) == NOT_HERE]
    assert empty == [h for h in output.headings if re.search(rf"\b(?:{UNWRITTEN.headings})", h, re.IGNORECASE)] != []
    said = [line for line in text.splitlines() if line.startswith("- ")]
    assert said, "a skeleton of what is to be done"


@pytest.mark.parametrize("kind", sorted(set(OUTPUTS) - set(CODE)))
async def test_other_kinds_do_not_speak_of_code(kind: str) -> None:
    assert NO_CODE not in await written(OUTPUTS[kind], EXPORT)


async def test_a_breakdown_is_a_checklist_of_what_was_asked_for_and_what_the_sources_require() -> None:
    steps = body(await written(OUTPUTS["task_breakdown"], EXPORT), "Steps").splitlines()
    assert steps[:3] == [
        "- [ ] Add a CSV export to the reporting page.",
        "- [ ] It should work for analysts.",
        "- [ ] Mind that the old proxy blocks downloads.",
    ]
    assert "- [ ] Users must be able to export the table as CSV. [S1]" in steps
    assert all(line.startswith("- [ ] ") for line in steps)


async def test_a_checklist_read_again_is_quoted_without_its_boxes() -> None:
    earlier = await written(OUTPUTS["task_breakdown"], EXPORT)
    text = await written(OUTPUTS["summary"], re.sub(r" \[S\d\]", "", earlier))
    assert "Users must be able to export the table as CSV." in text
    assert "( )" not in text and "[ ]" not in text


async def test_a_time_allocation_names_the_times_of_the_sources_and_estimates_none() -> None:
    text = body(await written(OUTPUTS["time_allocation"], EXPORT), "Time table")
    assert "| 3 March 2027 | The old proxy must be replaced before 3 March 2027. [S1] | Document 1 |" in text
    assert text.endswith(NOT_ESTIMATED)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It ends on 29 August 2026, after 3 weeks.", "29 August 2026, 3 weeks"),
        ("By March 3, 2027 or 2028-01-02, not in 1999.", "March 3, 2027, 2028-01-02, 1999"),
        ("Between 15 October and 15 April, and in June.", "15 October, 15 April, June"),
        ("May it cost 200 EUR and 5 kg.", "not said"),
    ],
)
def test_dates_and_durations_are_found_and_other_figures_are_not(text: str, found: str) -> None:
    assert times(text) == found


async def test_tags_stand_beside_the_source_that_they_are_taken_from() -> None:
    rows = body(await written(OUTPUTS["tags"], EXPORT, DISK), "Tags").splitlines()
    assert rows[0] == "| Source | Tags |"
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| Document 1", "| Document 2"]
    assert "export" in rows[2] and rows[2].endswith("[S1] |")
    assert "backup" in rows[3] and rows[3].endswith("[S2] |")


async def test_graph_edges_lead_from_a_source_to_what_it_is_about_with_the_sentence_that_shows_it() -> None:
    rows = body(await written(OUTPUTS["graph_edges"], EXPORT, DISK), "Edges").splitlines()
    assert rows[0] == "| From | Relation | To | Shown by |"
    for row in rows[2:]:
        source, relation, term, shown = row.strip("| ").split(" | ")
        assert (source in ("Document 1", "Document 2"), relation) == (True, "is about")
        assert term in shown.lower()


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("health_report", "Failures and warnings"), ("alert", "What failed"), ("anomaly", "Figure and threshold")],
)
async def test_nothing_is_alarming_where_the_sources_are_calm(kind: str, heading: str) -> None:
    text = await written(OUTPUTS[kind], "The bees sleep in their hive. The hive stands in a garden with many flowers.")
    assert body(text, heading) == NOTHING


def test_what_was_asked_for_is_the_goal_and_what_the_brief_adds_to_it() -> None:
    assert asked(TASK) == (
        "Add a CSV export to the reporting page.",
        "It should work for analysts.",
        "Mind that the old proxy blocks downloads.",
    )
    assert asked("The project's goal: Mend the lift\n\nYour task: A\nB: Mend the lift") == ("Mend the lift",)
    assert asked("") == ()
