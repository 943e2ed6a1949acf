"""The report is one calm, complete HTML file in which nothing that others wrote can do anything."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag

from adapters.report import words
from adapters.report.drawing import Box, columns, draw, wrapped
from adapters.report.html import HtmlReport
from adapters.report.layering import is_waypoint, layered
from adapters.report.markdown import render
from domain.artifact import Stage
from domain.criterion import Criterion, CriterionVerdict, Verdict
from domain.project import Project
from domain.qa import Method, QARecord
from domain.run import Run, RunResult, Usage
from domain.task import Assignee, Expected, Task, TaskSpec, TaskState
from services.ports.report import ReportedArtifact, ReportModel

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{display:none}</style>",
    "</title></textarea><svg onload=alert(1)>",
    "[a](javascript:alert(1)) <javascript:alert(1)> ![b](http://evil.example/x.png)",
    "[ref]\n\n[ref]: data:text/html;base64,PHNjcmlwdD4= 'onmouseover=alert(1)'",
    "{{ 7 * 7 }}{% raw %}",
    "w" * 290,
    "\u202eevil\x00\x1b[31m",
)


def task(n: int, *after: int, state: TaskState = "done", title: str = "", findings: tuple[str, ...] = ()) -> Task:
    spec = TaskSpec(
        id=f"tsk_{n}",
        title=title or f"Task number {n}",
        brief=f"Do {n}.",
        assignee=Assignee(kind="core", id="synthesizer"),
        expected=(Expected(kind="note", section="notes"),),
        criteria=(Criterion(text=f"Criterion of task {n}"),),
        depends_on=tuple(f"tsk_{m}" for m in after),
    )
    return Task(
        spec=spec, project_id="prj", workspace_id="wsp", created_at=NOW, state=state, attempts=1, findings=findings
    )


def qa(artifact: str, method: Method = "model", verdict: Verdict = "met", text: str = "Names its sources") -> QARecord:
    criterion = CriterionVerdict(text=text, verdict=verdict, evidence=f"Evidence about {artifact}: {text}")
    return QARecord(
        id=f"qa_{artifact}",
        workspace_id="wsp",
        project_id="prj",
        artifact_id=artifact,
        digest=DIGEST,
        author="synthesizer",
        checked_by="critic",
        method=method,
        criteria=(criterion,),
        at=NOW,
    )


def artifact(
    id: str, kind: str = "report", *derived_from: str, stage: Stage = "information_product", section: str = "drafts"
) -> ReportedArtifact:
    return ReportedArtifact(
        id=id,
        title=f"Title of {id}",
        kind=kind,
        section=section,
        stage=stage,
        number=1,
        text=f"Text of {id}.",
        made_by="synthesizer",
        model="ollama/small",
        rehearsed=False,
        task_id="tsk_1",
        derived_from=derived_from,
        citations={},
        qa=None,
    )


def source(id: str = "art_source") -> ReportedArtifact:
    made = artifact(id, "source", stage="cognitive", section="sources")
    return replace(made, made_by="Ada", model=None, task_id=None)


def run(result: RunResult | None = "succeeded") -> Run:
    return Run(
        id="run_1",
        workspace_id="wsp",
        project_id="prj",
        root_id="run_1",
        graph="manager",
        graph_digest=DIGEST,
        actor="usr",
        on_behalf_of="usr",
        created_at=NOW,
        phase="ended" if result else "running",
        result=result,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=75) if result else None,
    )


def model() -> ReportModel:
    brief = replace(
        artifact("art_brief", "executive_brief", "art_report", section="synthesis"),
        text="# Title of art_brief\n\nReturns are slow [S1].",
        citations={"S1": ("art_source", "Title of art_source", "We open every parcel twice.")},
        qa=qa("art_brief"),
    )
    report = replace(artifact("art_report", "report", "art_source"), qa=qa("art_report"))
    project = Project(
        id="prj",
        workspace_id="wsp",
        name="Returns",
        goal="Pay back in 48 hours.",
        owner_id="usr",
        manager_id="agt",
        created_at=NOW,
    )
    return ReportModel(
        project=project,
        run=run(),
        plan_origin="Planned by the manager with ollama/small.",
        tasks=(task(1), task(2, 1), task(3, 1, 2)),
        artifacts=(source(), report, brief),
        edges=(("art_brief", "art_report"), ("art_report", "art_source")),
        attention={},
        usage=Usage(input_tokens=1200, output_tokens=300, calls=7, seconds=40),
        currency="EUR",
        made_at=NOW,
    )


def page(shown: ReportModel) -> BeautifulSoup:
    return BeautifulSoup(HtmlReport().write(shown), "html.parser")


def text(shown: ReportModel) -> str:
    return " ".join(page(shown).get_text(" ").split())


def hostile(said: str) -> ReportModel:
    """A report in which every field that others fill says `said`."""
    base = model()
    tasks = tuple(
        replace(
            one,
            spec=replace(
                one.spec,
                title=said[:200],
                brief=said,
                assignee=Assignee(kind="person", id=said),
                criteria=(Criterion(text=said),),
            ),
            state="needs_attention",
            hint=said,
            findings=(said,),
        )
        for one in base.tasks
    )
    artifacts = tuple(
        replace(
            one,
            title=said,
            text=f"# {said}\n\n{said}\n\n| a |\n|---|\n| {said} |\n\n[S1]",
            made_by=said,
            model=said,
            citations={"S1": (said, said, said), said: ("art_source", said, said)},
            qa=replace(qa(one.id, "rules", text=said), checked_by=said, note=said),
        )
        for one in base.artifacts
    )
    return replace(
        base,
        project=replace(base.project, name=said, goal=said),
        run=replace(run(), reason=said),
        plan_origin=said,
        tasks=tasks,
        artifacts=artifacts,
        attention={one.id: said for one in tasks},
        usage=Usage(money=5),
        currency=said,
    )


def test_a_report_writes_the_same_twice() -> None:
    assert HtmlReport().write(model()) == HtmlReport().write(model())


def test_a_report_forbids_all_that_could_be_loaded_or_run() -> None:
    policy = page(model()).find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert isinstance(policy, Tag)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_a_report_shows_every_task_artifact_and_criterion() -> None:
    said = text(model())
    for one in model().tasks:
        assert one.spec.title in said
        assert one.spec.criteria[0].text in said
    for made in model().artifacts:
        assert made.title in said
        assert made.text.splitlines()[-1].split(" [")[0] in said
        assert made.qa is None or made.qa.criteria[0].evidence in said
    assert "met" in said
    assert "by a language model" in said


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_words_stay_words(said: str) -> None:
    soup = page(hostile(said))
    forbidden = ["script", "img", "iframe", "object", "embed", "form", "input", "base", "link", "textarea"]
    assert soup.find_all(forbidden) == []
    assert len(soup.find_all("style")) == 1
    assert len(soup.find_all("html")) == len(soup.find_all("main")) == 1
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name in ("src", "srcset", "action")]
        href = str(tag.get("href", "#"))
        assert re.match(r"(#|https?://|mailto:)", href), href
    assert "49" not in soup.get_text()


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_words_leave_the_file_writable_and_readable_left_to_right(said: str) -> None:
    written = HtmlReport().write(hostile(said))
    assert written.encode("utf-8")
    assert not set(written) & set("\u202e\x00\x1b")


def test_half_a_character_is_replaced() -> None:
    assert words.clean("a\ud800b\r\n") == "a\ufffdb\n"


@pytest.mark.parametrize("shown", [model(), *(hostile(said) for said in HOSTILE)])
def test_every_anchor_leads_somewhere_and_no_id_stands_twice(shown: ReportModel) -> None:
    soup = page(shown)
    ids = [str(tag["id"]) for tag in soup.find_all(id=True)]
    targets = {str(tag["href"])[1:] for tag in soup.find_all(href=re.compile("^#"))}
    assert len(ids) == len(set(ids))
    assert targets
    assert targets <= set(ids)


def test_nothing_is_loaded_from_the_network() -> None:
    soup = page(replace(model(), attention={"tsk_1": "[a](https://example.org) ![x](https://example.org/x.png)"}))
    assert soup.find_all(src=True) == []
    assert [tag.name for tag in soup.find_all(href=re.compile("^http"))] == ["a"]
    assert "url(" not in str(soup)
    assert "@import" not in str(soup)


def test_a_citation_leads_to_the_passage_it_cites() -> None:
    soup = page(model())
    cite = soup.find("a", class_="cite")
    assert isinstance(cite, Tag)
    passage = soup.find(id=str(cite["href"])[1:])
    assert isinstance(passage, Tag)
    assert passage.get_text() == "We open every parcel twice."
    assert passage.find_parent("details") is not None


def test_results_come_before_what_they_were_made_from() -> None:
    said = text(model())
    assert said.index("Text of art_report") > said.index("Returns are slow")
    assert said.index("Text of art_source") > said.index("Text of art_report")


def test_without_a_brief_the_results_are_what_nothing_else_was_made_from() -> None:
    first, last = artifact("art_a", "report", "art_source"), artifact("art_b", "blueprint", "art_a")
    review = artifact("art_c", "review", "art_b", section="critique")
    results = page(replace(model(), artifacts=(source(), first, last, review), edges=())).find(id="results")
    assert isinstance(results, Tag)
    assert "Text of art_b" in results.get_text()
    assert "Text of art_a" not in results.get_text()
    assert "Text of art_c" not in results.get_text()


def test_a_rehearsal_is_said_to_be_one() -> None:
    made = replace(artifact("art_r", "report", "art_source", stage="intellectual"), rehearsed=True, model=None)
    said = text(replace(model(), artifacts=(source(), made), edges=()))
    assert "No language model was used for 1 of 2 artifacts" in said
    assert "synthesizer · rehearsal" in said


def test_a_report_without_rehearsal_and_doubt_warns_of_nothing() -> None:
    assert page(model()).find(class_="notice") is None


def test_what_only_rules_checked_says_how_to_accept_it() -> None:
    made = replace(artifact("art_r", "report", "art_source", stage="intellectual"), qa=qa("art_r", "rules"))
    said = text(replace(model(), artifacts=(source(), made), edges=()))
    assert "No language model judged this; accept it with caseworks artifacts accept art_r" in said


def test_a_command_to_copy_cannot_smuggle_in_another() -> None:
    made = artifact("x; rm -rf ~", "report", "art_source", stage="intellectual")
    assert "accept 'x; rm -rf ~'" in text(replace(model(), artifacts=(source(), made), edges=()))


def test_a_draft_that_needs_attention_is_marked_as_not_finished() -> None:
    tasks = (task(1), task(2, 1, state="needs_attention", findings=("No figure was given.",)))
    soup = page(replace(model(), run=run("partial"), tasks=tasks, attention={"tsk_2": "A *half* draft."}))
    attention = soup.find(id="attention")
    assert isinstance(attention, Tag)
    said = " ".join(attention.get_text().split())
    assert all(part in said for part in ("NOT finished", "No figure was given.", "half draft", "needs attention"))


def test_a_long_source_is_cut_with_a_note() -> None:
    long = replace(source(), text="word " * 6_000)
    said = text(replace(model(), artifacts=(long,), edges=()))
    assert said.count("word ") < 4_100
    assert "the first 20,000 of 30,000 characters" in said


def test_a_project_without_tasks_or_artifacts_has_a_report() -> None:
    said = text(replace(model(), run=None, tasks=(), artifacts=(), edges=()))
    assert "No run has been started yet." in said


@pytest.mark.parametrize(
    ("result", "states", "sentence"),
    [
        ("succeeded", ("done", "done"), "The work is finished: all 2 tasks are done."),
        (
            "partial",
            ("done", "needs_attention", "waiting"),
            "Part of the work is finished: 1 of 3 tasks is done, 1 needs attention and 1 waits.",
        ),
        (
            "failed",
            ("done", "running", "cancelled"),
            "The work failed: 1 of 2 tasks is done, 1 is running and 1 was cancelled.",
        ),
        ("partial", ("done", "cancelled"), "Part of the work is finished: the one task is done and 1 was cancelled."),
        ("cancelled", ("cancelled",), "The work was cancelled: every task was cancelled."),
        (None, ("running",), "The work is under way. So far 0 of 1 task are done and 1 is running."),
    ],
)
def test_the_result_is_a_plain_sentence(result: RunResult | None, states: tuple[TaskState, ...], sentence: str) -> None:
    assert words.result(run(result), [task(n, state=state) for n, state in enumerate(states)]) == sentence


def test_what_is_finished_and_out_of_date_is_no_good_news() -> None:
    tasks = [task(0), replace(task(1), stale="The goal was changed after it was done.")]
    assert words.result(run("succeeded"), tasks).endswith("all 2 tasks are done. 1 of them is out of date.")
    assert (words.tone(run("succeeded"), tasks), words.tone(run("succeeded"), tasks[:1])) == ("warn", "good")


@pytest.mark.parametrize(
    ("millionths", "shown"),
    [(1_234_567, "1.23 EUR"), (412_300, "0.4123 EUR"), (5, "0.000005 EUR"), (2_000_000_000, "2,000.00 EUR")],
)
def test_money_is_shown_with_its_currency(millionths: int, shown: str) -> None:
    assert words.money(millionths, "EUR") == shown


def test_money_is_left_out_where_none_was_spent() -> None:
    assert "Cost" not in text(model())
    assert "Cost 0.40 EUR" in text(replace(model(), usage=Usage(money=400_000)))


@pytest.mark.parametrize("seconds, shown", [(0.42, "0.4 s"), (59.7, "1 min 0 s"), (7_262, "2 h 1 min")])
def test_time_is_shown_in_units_that_fit(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


def test_markdown_links_lead_only_to_pages_and_mail() -> None:
    html = render("[a](https://a.example) [b](ftp://b) [c](//c) [d](mailto:d@d.example) [e](JaVaScRiPt:e) [f](#f)")
    links = {str(tag["href"]): tag["rel"] for tag in BeautifulSoup(html, "html.parser").find_all("a")}
    assert set(links) == {"https://a.example", "mailto:d@d.example"}
    assert all("noopener" in rel for rel in links.values())
    assert BeautifulSoup(html, "html.parser").get_text().split() == list("abcdef")


def test_markdown_shows_a_picture_as_its_words() -> None:
    html = render("![A *map*](https://evil.example/x.png)")
    assert "evil" not in html
    assert "A *map*" in html


def test_a_task_list_has_boxes_that_cannot_be_ticked() -> None:
    shown = render("- [ ] Ask *her*\n- [x] Look\n- [S1] no\n- [y] no\n\n[ ] no\n\n- > [ ] no")
    assert shown.count("<input") == 2 == shown.count("disabled") == shown.count('class="task"')
    assert 'disabled aria-label="to do"> Ask <em>her</em>' in shown
    assert 'disabled checked aria-label="done"> Look' in shown


def test_what_is_too_wide_for_a_box_is_cut_with_a_sign() -> None:
    box = Box(id="a", title="A", note="human", word="joins the majority of all answers", icon="", tone="ready")
    assert ">joins the majority of al…</text>" in draw([box], [], "picture")


def test_passages_that_were_given_are_not_called_cited() -> None:
    assert words.passages(9, 21) == "Passages it was given (21), 9 of them cited"
    assert words.passages(2, 2) == "Cited passages (2)"
    assert words.passages(0, 3) == "Passages it was given (3)"


def test_only_known_labels_are_citations() -> None:
    html = render("See [S1, S2], [S9] and [S1](https://x.example), `[S1]`.", {"S1": "p1", "S2": "p2"})
    assert re.findall('href="([^"]+)"', html) == ["#p1", "#p2", "https://x.example"]
    assert "[S9]" in html


def test_a_document_cannot_lead_a_citation_elsewhere() -> None:
    html = render("See [S1].\n\n[S1]: https://evil.example", {"S1": "p1"})
    assert "evil" not in html


@pytest.mark.parametrize("unit", ["[", "![", "<a ", "*a **b "])
def test_a_paragraph_too_long_to_be_meant_for_reading_is_plain_text(unit: str) -> None:
    said = BeautifulSoup(render(unit * 50_000), "html.parser")
    assert [tag.name for tag in said.find_all(True)] == ["p"]
    assert said.get_text().split() == (unit * 50_000).split()


def test_a_heading_that_repeats_the_title_is_left_out_and_others_move_down() -> None:
    assert render("# The Title\n\n## Part", without_title="the title") == "<h5>Part</h5>\n"


def test_a_layered_drawing_puts_each_box_behind_what_it_depends_on() -> None:
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("gone", "c")]
    graph = layered(["c", "b", "a"], edges)
    real = [[id for id in column if not is_waypoint(id)] for column in graph.columns]
    assert real == [["a"], ["b"], ["c"]]
    assert sorted(len(route) for route in graph.routes) == [2, 2, 3]


def test_a_layered_drawing_survives_a_circle() -> None:
    graph = layered(["a", "b"], [("a", "b"), ("b", "a"), ("a", "a")])
    assert graph.columns == (("a",), ("b",))


def test_a_layered_drawing_uncrosses_what_it_can() -> None:
    graph = layered(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    tops, bottoms = graph.columns
    assert [tops.index("a") < tops.index("b")] == [bottoms.index("y") < bottoms.index("x")]


def test_a_picture_of_a_hundred_tasks_is_well_formed_and_no_boxes_overlap() -> None:
    boxes = [
        Box(id=str(n), title=f"Task {n} <&>", note="who", word="done", icon="✓", tone="done", href=f"#t{n}")
        for n in range(100)
    ]
    edges = [(str(n // 3), str(n)) for n in range(1, 100)] + [("0", str(n)) for n in range(50, 100)]
    drawn = ElementTree.fromstring(str(draw(boxes, edges, "The plan")))
    places = {(node.get("x"), node.get("y")) for node in drawn.iter("svg") if node.get("x")}
    assert len(places) == 100
    assert "done" in "".join(drawn.itertext())


def test_nothing_is_drawn_without_boxes() -> None:
    assert draw([], [], "x") == ""


@pytest.mark.parametrize("title", ["short", "a few words that do not fit", "w" * 90, "漢字" * 40, "", "a " * 80])
def test_a_title_is_wrapped_within_its_box(title: str) -> None:
    rows = wrapped(title, 10, 2)
    assert 1 <= len(rows) <= 2
    assert all(columns(row) <= 10 for row in rows)


def test_agents_and_people_are_told_by_their_names() -> None:
    shown = replace(
        model(),
        names={"synthesizer": "Synthesizer", "critic": "Critic", "usr_1": "Ada"},
        plan_origin="usr_1 added the task “X”.",
    )
    text = BeautifulSoup(HtmlReport().write(shown), "html.parser").get_text(" ")
    assert "Ada added the task" in text and "Checked by Critic" in text
    assert not re.search(r"\bsynthesizer\b|\bcritic\b|usr_1", text)
