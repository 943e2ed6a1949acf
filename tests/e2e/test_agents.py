"""`caseworks agents` and the profiles by REST, on a program of their own."""

import re
import stat
from pathlib import Path

import pytest

from config.catalogue import AGENTS, OwnProfiles, profiles
from domain.agent import Profile
from domain.artifact import SECTIONS
from infrastructure.cli.connection import Refused
from tests.e2e.programs import program
from tests.e2e.test_cli import caseworks

CRITIC = (AGENTS / "critic.yaml").read_text("utf-8")
ENTITY = r"(?:agent|section)_[\w-]+"
LINE = re.compile(
    rf'erDiagram|  {ENTITY}\["[^"%\\]+"\](?: {{)?|    (?:cognitive|intellectual) [a-z_]+|  }}'
    rf"|  agent_[\w-]+ (?:}}o\.\.o{{|\|\|--o{{) section_[a-z]+ : (?:reads|writes)"
)
"""What an entity-relationship diagram of Mermaid allows, as far as we use it."""


def kept(data: Path, name: str) -> Profile:
    return OwnProfiles(data / "agents")[name]


def test_the_team_is_listed_and_one_is_shown(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        assert {item["name"]: item["origin"] for item in connection.all("/v1/agents")} == dict.fromkeys(
            profiles(), "shipped"
        )
        listed = caseworks(tmp_path, "agents")
        shown = caseworks(tmp_path, "agents", "show", "code_copilot")
        missing = caseworks(tmp_path, "agents", "show", "nobody")
    assert all(name in listed.out for name in profiles())
    assert "- Source change (source_change), signed off by a person\n" in shown.out
    assert "- Unit tests (unit_tests)\n" in shown.out
    assert "reads     code, plans, build" in shown.out
    assert (missing.code, missing.out) == (2, "")
    assert "nobody" in missing.err


def test_a_copy_is_changed_and_a_fault_in_it_changes_nothing(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "mine.yaml"
    copied = caseworks(data, "agents", "copy", "critic", "strict_critic")
    assert copied.code == 0
    path = data / "agents" / "strict_critic.yaml"
    assert str(path) in copied.out
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    file.write_text(path.read_text().replace("tier: large", "tier: huge"))
    faulty = caseworks(data, "agents", "edit", "strict_critic", "--file", str(file))
    assert (faulty.code, kept(data, "strict_critic").tier) == (3, "large")
    assert faulty.err.startswith(f"{file}, line 11, tier: ")
    file.write_text(path.read_text().replace("title: Critic", "title: Strict critic"))
    assert caseworks(data, "agents", "edit", "agt_strict_critic", "--file", str(file)).code == 0
    assert kept(data, "strict_critic").title == "Strict critic"


def test_an_agent_that_ships_is_overridden_and_shown_as_such(tmp_path: Path) -> None:
    editor = "sed -i.old s/temperature:.*/temperature:\\ 0.7/"
    with program(tmp_path) as connection:
        assert caseworks(tmp_path, "agents", "edit", "critic", EDITOR=editor, VISUAL="").code == 0
        shown = connection.get("/v1/agents/critic")
        assert (shown["temperature"], shown["origin"]) == (0.7, "override")
        assert "yours, in place of the one that ships" in caseworks(tmp_path, "agents", "show", "critic").out
    again = caseworks(tmp_path, "agents", "edit", "critic", EDITOR="true", VISUAL="")
    assert again.out == "Nothing was changed.\n"


def test_a_draft_that_cannot_be_used_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    bad = caseworks(tmp_path, "agents", "edit", "critic", EDITOR="sed -i.old s/large/huge/", VISUAL="")
    assert bad.code == 3
    assert "`caseworks agents edit critic` goes on with this draft." in bad.err
    assert not OwnProfiles(tmp_path / "agents")
    assert caseworks(tmp_path, "agents", "edit", "critic", EDITOR="sed -i.old s/huge/small/", VISUAL="").code == 0
    assert kept(tmp_path, "critic").tier == "small"
    assert not list((tmp_path / "agents").glob("*.draft"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("copy", "nobody", "x"), "There is no agent nobody"),
        (("copy", "critic", "planner"), "There is an agent planner already"),
        (("copy", "critic", "../../x"), "cannot be a name"),
        (("copy", "manager", "boss"), "Each project has one manager agent"),
        (("edit", "../critic"), "There is no agent ../critic"),
        (("edit", "critic"), "No editor is set"),
        (("edit", "critic", "--file", "/nowhere/x.yaml"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing_behind(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = caseworks(tmp_path / "data", "agents", *words, EDITOR="", VISUAL="")
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert not [path for path in (tmp_path / "data").glob("agents/*") if path.is_file()]


def test_a_faulty_profile_stops_the_start_with_its_place_and_can_be_mended(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "good.yaml"
    (data / "agents").mkdir(parents=True)
    path = data / "agents" / "critic.yaml"
    path.write_text(CRITIC.replace("writes: [critique]", "writes: [kitchen]"))
    stopped = caseworks(data, "agents")
    assert (stopped.code, stopped.err.startswith(f"{path}, line ")) == (3, True)
    file.write_text(CRITIC.replace("title: Critic", "title: Mended"))
    assert caseworks(data, "agents", "edit", "critic", "--file", str(file)).code == 0
    assert kept(data, "critic").title == "Mended"


def test_a_running_program_uses_a_profile_from_its_next_use_on(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        with pytest.raises(Refused):
            connection.get("/v1/agents/agt_strict")
        done = caseworks(tmp_path, "agents", "copy", "critic", "strict")
        assert done.code == 0, done.err
        assert connection.get("/v1/agents/agt_strict")["outputs"] == connection.get("/v1/agents/critic")["outputs"]
        assert "agt_strict" in [item["id"] for item in connection.all("/v1/agents")]


def test_the_diagram_shows_each_agent_with_the_sections_that_it_reads_and_writes(tmp_path: Path) -> None:
    with program(tmp_path):
        caseworks(tmp_path, "agents", "copy", "critic", "strict-critic")
        text = caseworks(tmp_path, "agents", "diagram").out
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert text.startswith("erDiagram\n")
    for profile in profiles().values():
        for section in SECTIONS:
            read = f"agent_{profile.name} }}o..o{{ section_{section} : reads" in text
            written = f"agent_{profile.name} ||--o{{ section_{section} : writes" in text
            assert (read, written) == (section in profile.reads, section in profile.writes)
    assert 'agent_strict-critic["Critic"] {' in text
