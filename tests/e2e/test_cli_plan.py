"""A person edits the plan from the command line: shown, written to a file, put back; tasks added, changed, redone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.rest_client import Rest, Running, server
from tests.e2e.test_cli import Done, caseworks
from tests.e2e.test_cli_bad_input import only

SUMMARY = "Summary of the sources"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Running]:
    with server(data, limits={"requests_per_minute": 100_000}) as running:
        yield running


@pytest.fixture
def done(served: Running) -> str:
    """A project whose work is finished."""
    return served.rest.done("Summarise what the manual says about the lift")[0]


@pytest.fixture
def planned(served: Running) -> str:
    """A project whose plan waits for a word, so that nothing of it is under way."""
    rest = served.rest
    project = rest.project("Brief me on the lift", approve_plan=True)
    rest.source(project)
    rest.run_of(project)
    rest.until("/v1/inbox", lambda found: any(item["project_id"] == project for item in found["items"]))
    return project


def plan(rest: Rest, project: str) -> dict[str, Any]:
    found: dict[str, Any] = rest.get(f"/v1/projects/{project}/plan").json()
    return found


def one(rest: Rest, project: str, title: str) -> dict[str, Any]:
    return next(task for task in plan(rest, project)["tasks"] if task["title"] == title)


def quiet(rest: Rest, project: str) -> None:
    """Until no run of the project is live."""
    rest.until(f"/v1/projects/{project}/runs", lambda found: all(run["state"] == "ended" for run in found["items"]))


def exported(data: Path, project: str, path: Path) -> dict[str, Any]:
    """The plan as a file, and what is in it."""
    path.write_text(caseworks(data, "projects", "plan", project, "--yaml").out)
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def put(data: Path, project: str, path: Path, found: dict[str, Any], *words: str) -> Done:
    path.write_text(yaml.safe_dump(found))
    return caseworks(data, "projects", "plan", project, "--file", str(path), *words)


# the whole plan


def test_a_plan_is_shown_with_its_number_and_what_comes_after_what(served: Running, data: Path, done: str) -> None:
    shown = caseworks(data, "projects", "plan", done)
    assert shown.code == 0 and f"Plan 1 of {done}." in shown.out and SUMMARY in shown.out
    assert "done" in shown.out and "synthesizer" in shown.out
    assert caseworks(data, "projects", "plan", done, "--json").json == plan(served.rest, done)


def test_a_plan_that_is_put_back_as_it_was_written_changes_no_task(
    served: Running, data: Path, done: str, tmp_path: Path
) -> None:
    before = plan(served.rest, done)
    path = tmp_path / "plan.yaml"
    exported(data, done, path)
    assert caseworks(data, "projects", "plan", done, "--file", str(path)).code == 0
    after = plan(served.rest, done)
    assert after["number"] == before["number"] + 1 and after["tasks"] == before["tasks"]


def test_an_edited_plan_keeps_what_is_done_marks_it_and_does_the_rest(
    served: Running, data: Path, done: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    found = exported(data, done, path)
    first = next(task for task in found["tasks"] if task["title"] == SUMMARY)
    first["brief"] = "Summarise only what is forbidden."
    found["tasks"] += [
        {"key": "check", "title": "Assumptions", "assignee": "critic", "makes": "assumption_audit"},
        {"title": "Ask the inspector", "assignee": "me", "depends_on": ["check", first["id"]], "due": "2027-02-01"},
    ]
    told = put(data, done, path, found)
    assert told.code == 0 and "number 2 now" in told.out and "caseworks tasks retry" in told.out
    assert f"Out of date: {SUMMARY} ({first['id']})" in told.out
    asked = one(served.rest, done, "Ask the inspector")
    assert asked["assignee"]["kind"] == "person" and asked["due"] == "2027-02-01T23:59:00Z"
    assert asked["depends_on"] == [one(served.rest, done, "Assumptions")["id"], first["id"]]
    served.rest.until(f"/v1/tasks/{asked['depends_on'][0]}", lambda task: task["state"] == "done")
    kept = one(served.rest, done, SUMMARY)
    assert (kept["state"], kept["attempts"]) == ("done", 1) and kept["stale"]
    assert "done, out of date" in caseworks(data, "projects", "plan", done).out
    facts = caseworks(data, "tasks", "show", kept["id"]).out
    assert "done, out of date\n" in facts and kept["stale"] in facts
    shown = caseworks(data, "show", done).out
    assert "done, out of date" in shown and kept["stale"] in shown
    assert f"# done, out of date: {kept['stale']}" in caseworks(data, "projects", "plan", done, "--yaml").out


def test_two_people_who_edit_one_plan_do_not_undo_each_other(
    served: Running, data: Path, planned: str, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine.yaml", tmp_path / "theirs.yaml"
    first, second = exported(data, planned, mine), exported(data, planned, theirs)
    first["tasks"].append({"title": "First"})
    second["tasks"].append({"title": "Second"})
    assert put(data, planned, theirs, second, "--json").json["number"] == 2
    only(put(data, planned, mine, first), 2, "was changed since", str(mine), "number 1", "--yaml")
    titles = [task["title"] for task in plan(served.rest, planned)["tasks"]]
    assert "Second" in titles and "First" not in titles


def test_a_plan_is_edited_in_the_editor(served: Running, data: Path, planned: str) -> None:
    before = plan(served.rest, planned)
    title = before["tasks"][0]["title"]
    words = ("projects", "plan", planned, "--edit")
    same = caseworks(data, *words, EDITOR="true", VISUAL="")
    assert (same.code, same.out) == (0, "Nothing was changed.\n")
    assert caseworks(data, *words, EDITOR=f"sed -i 's/title: {title}/title: Another/'", VISUAL="").code == 0
    assert plan(served.rest, planned)["tasks"][0]["title"] == "Another"
    assert not list(data.glob("plan-*"))
    only(caseworks(data, *words, EDITOR="", VISUAL=""), 2, "No editor is set")
    broken = caseworks(data, *words, EDITOR="sed -i 's/title: Another/title: [/'", VISUAL="")
    (kept,) = data.glob("plan-*")
    only(broken, 3, "line ", f"What you wrote is in {kept}", f"--file {kept}")
    kept.write_text(kept.read_text().replace("title: [", "title: Mended"))
    assert caseworks(data, "projects", "plan", planned, "--file", str(kept)).code == 0
    assert plan(served.rest, planned)["tasks"][0]["title"] == "Mended"
    kept.unlink()


def test_a_plan_that_breaks_a_rule_is_refused_with_the_place(
    served: Running, data: Path, planned: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    found = exported(data, planned, path)
    before = plan(served.rest, planned)

    def refused(code: int, *tasks: dict[str, Any], says: tuple[str, ...]) -> None:
        only(put(data, planned, path, {**found, "tasks": list(tasks)}), code, *says)

    circle = ({"key": "a", "title": "A", "depends_on": ["b"]}, {"key": "b", "title": "B", "depends_on": ["a"]})
    refused(2, *circle, says=("circle", "'A'", "'B'"))
    refused(2, {"title": "A", "assignee": "nobody"}, says=("Task 1", "there is no agent nobody"))
    refused(2, {"title": "A", "assignee": "usr_nobody"}, says=("Task 1", "usr_nobody is not on the team"))
    refused(2, {"title": "A", "depends_on": ["zz"]}, says=("Task 1", "depends on zz"))
    refused(2, {"title": "A"}, {"brief": "B"}, says=("Task 2", "needs a title"))
    refused(3, {"title": "A", "owner": "me"}, says=(str(path), "line ", "tasks.0.owner"))
    refused(3, {"title": "A", "due": "soon"}, says=("tasks.0.due", "'soon' is no day"))
    refused(3, says=("line ", "tasks"))
    assert plan(served.rest, planned) == before


def test_a_file_that_is_no_plan_of_this_project_is_refused(
    served: Running, data: Path, planned: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    exported(data, planned, path)
    words = ("projects", "plan", planned, "--file")
    lines = path.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("- id:"))
    path.write_text("\n".join([*lines[: number - 1], "- id: }", *lines[number:]]))
    only(caseworks(data, *words, str(path)), 3, str(path), f"line {number}:")
    path.write_text("\n".join(lines).replace("number: 1", "number: one"))
    only(caseworks(data, *words, str(path)), 3, f"{path}, line", "number")
    path.write_text("\n".join(lines).replace(f"project: {planned}", "project: prj_other"))
    only(caseworks(data, *words, str(path)), 2, "the plan of prj_other")
    only(caseworks(data, *words, str(tmp_path / "nowhere.yaml")), 2, "There is no file")
    only(caseworks(data, *words, str(path), "--edit"), 2, "Choose one of")
    only(caseworks(data, "projects", "plan", served.rest.project("Choose a lift")), 2, "plan of the project")


# one task


def test_a_task_is_added_changed_and_done_again(served: Running, data: Path, done: str) -> None:
    summary = one(served.rest, done, SUMMARY)["id"]
    added = caseworks(
        data, "tasks", "add", done, "--title", "Assumptions", "--brief", "What is taken for granted?",
        "--assignee", "critic", "--depends-on", summary, "--criterion", "It names three", "--makes", "assumption_audit",
    )  # fmt: skip
    assert added.code == 0 and "is in the plan, for critic. The server carries it on." in added.out
    task = one(served.rest, done, "Assumptions")
    assert task["depends_on"] == [summary] and [c["text"] for c in task["criteria"]] == ["It names three"]
    quiet(served.rest, done)
    assert served.rest.get(f"/v1/tasks/{task['id']}").json()["state"] == "done"
    changed = caseworks(data, "tasks", "edit", summary, "--brief", "Only what is forbidden.", "--due", "2027-03-01")
    assert changed.code == 0 and "after it was done" in changed.out and "caseworks tasks retry" in changed.out
    listed = caseworks(data, "tasks", "list", "--project", done, "--out-of-date", "--json").json["items"]
    assert [item["id"] for item in listed] == [summary]
    shown = caseworks(data, "tasks", "show", summary).out
    assert "after it was done" in shown and "2027-03-01" in shown
    quiet(served.rest, done)
    assert served.rest.get(f"/v1/tasks/{summary}").json()["attempts"] == 1
    assert caseworks(data, "tasks", "retry", summary).code == 0
    again = served.rest.until(f"/v1/tasks/{summary}", lambda found: found["attempts"] == 2 and found["state"] == "done")
    assert again["stale"] is None


def test_what_a_task_has_is_taken_away_again(served: Running, data: Path, planned: str) -> None:
    first, second = plan(served.rest, planned)["tasks"][:2]
    edit = ("tasks", "edit", second["id"], "--json")
    assert caseworks(data, *edit, "--depends-on", first["id"], "--due", "2027-03-01T12:00:00+01:00").code == 0
    changed = caseworks(data, *edit, "--title", "Two", "--complexity", "simple", "--assignee", "me").json
    assert (changed["due"], changed["depends_on"]) == ("2027-03-01T11:00:00Z", [first["id"]])
    assert (changed["title"], changed["complexity"], changed["assignee"]["kind"]) == ("Two", "simple", "person")
    bare = caseworks(data, *edit, "--depends-on", "none", "--due", "none", "--way", "none").json
    assert (bare["due"], bare["depends_on"], bare["way"]) == (None, [], None)


def test_a_task_that_cannot_be_is_refused(served: Running, data: Path, planned: str) -> None:
    first, second = (task["id"] for task in plan(served.rest, planned)["tasks"][:2])
    only(caseworks(data, "tasks", "add", planned, "--title", " "), 2, "needs a title")
    only(caseworks(data, "tasks", "add", planned, "--title", "A", "--assignee", "nobody"), 2, "nobody")
    only(caseworks(data, "tasks", "add", planned, "--title", "A", "--depends-on", "tsk_x"), 2, "depends on tsk_x")
    only(caseworks(data, "tasks", "add", planned, "--title", "A", "--makes", "cake"), 2, "cake")
    only(caseworks(data, "tasks", "add", planned, "--title", "A", "--due", "soon"), 2, "--due", "no day")
    only(caseworks(data, "tasks", "edit", first, "--due", "2027-03-01T12:00"), 2, "--due", "zone")
    only(caseworks(data, "tasks", "edit", first), 2, "Say what is to change")
    only(caseworks(data, "tasks", "edit", "tsk_nowhere", "--title", "A"), 2, "tsk_nowhere")
    assert caseworks(data, "tasks", "edit", second, "--depends-on", first).code == 0
    only(caseworks(data, "tasks", "edit", first, "--depends-on", second), 2, "circle")


# the project


def test_a_new_goal_marks_what_is_done_and_plans_the_rest_when_asked(served: Running, data: Path, done: str) -> None:
    before = [task["id"] for task in plan(served.rest, done)["tasks"]]
    told = caseworks(data, "projects", "goal", done, "Decide whether the lift is replaced")
    assert told.code == 0 and told.out.count("Out of date: ") == len(before) and "caseworks tasks retry" in told.out
    quiet(served.rest, done)
    changed = caseworks(data, "projects", "goal", done, "Choose between two lifts", "--replan", "--json")
    assert changed.json["goal"] == "Choose between two lifts"
    quiet(served.rest, done)
    after = [task["id"] for task in plan(served.rest, done)["tasks"]]
    assert after[: len(before)] == before and len(after) > len(before)
    only(caseworks(data, "projects", "goal", done, " "), 2, "needs a goal")
    only(caseworks(data, "projects", "goal", "prj_nowhere", "A goal"), 2, "prj_nowhere")


def test_a_goal_that_changes_while_the_work_runs_says_that_it_is_not_planned_anew(
    served: Running, data: Path, planned: str
) -> None:
    told = caseworks(data, "projects", "goal", planned, "Decide whether the lift is replaced", "--replan")
    only(told, 2, "The goal is changed, but nothing is planned anew", "is under way")
    assert served.rest.get(f"/v1/projects/{planned}").json()["goal"] == "Decide whether the lift is replaced"


def test_a_project_is_changed(served: Running, data: Path, planned: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.md"
    rules.write_text("One page.")
    changed = caseworks(
        data, "projects", "edit", planned, "--name", "Lift", "--instructions", f"@{rules}", "--no-approve-plan",
        "--no-sign-off-code", "--json",
    ).json  # fmt: skip
    assert (changed["name"], changed["instructions"]) == ("Lift", "One page.")
    assert (changed["approve_plan"], changed["sign_off_code"]) == (False, False)
    shown = caseworks(data, "projects", "edit", planned, "--sign-off-code").out
    assert "sign off code  yes" in shown
    only(caseworks(data, "projects", "edit", planned), 2, "Say what is to change")


def test_without_a_server_a_plan_is_written_before_the_work_begins(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "plan.yaml"
    begun = caseworks(data, "run", "Brief me on the lift", "--rehearse", "--approve-plan", "--json")
    project = begun.json["project_id"]
    found = exported(data, project, path)
    found["tasks"] = [{"title": "Summary of what is known", "assignee": "synthesizer"}]
    told = put(data, project, path, found)
    assert told.code == 0 and f"caseworks run --continue {project}" in told.out
    titles = [task["title"] for task in caseworks(data, "projects", "plan", project, "--json").json["tasks"]]
    assert titles == ["Summary of what is known"]
