"""Profiles that users wrote: when they are read, and what a faulty one does."""

import os
import re
from pathlib import Path

import pytest

from config.catalogue import AGENTS, OwnProfiles, profiles
from config.reading import ConfigurationError
from services.staff import Staff

CRITIC = (AGENTS / "critic.yaml").read_text("utf-8")


def staff(folder: Path) -> Staff:
    return Staff(shipped=profiles(), templates={}, own=OwnProfiles(folder).checked())


def write(folder: Path, name: str, text: str = CRITIC, age: int = 0) -> Path:
    """`age` keeps two writes within one tick of the clock apart."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text.replace("name: critic", f"name: {name}"), "utf-8")
    os.utime(path, ns=(10**18 - age, 10**18 - age))
    return path


def test_without_a_folder_there_are_those_that_ship(tmp_path: Path) -> None:
    assert staff(tmp_path / "agents").profiles == dict(sorted(profiles().items()))


def test_a_profile_that_is_added_changed_or_removed_holds_at_the_next_use(tmp_path: Path) -> None:
    found = staff(tmp_path)
    path = write(tmp_path, "strict", age=1)
    assert found.agent("agt_strict").title == "Critic"
    assert found.origin("strict") == "own"
    write(tmp_path, "strict", CRITIC.replace("title: Critic", "title: Strict"))
    assert found.agent("strict").title == "Strict"
    path.unlink()
    assert "strict" not in found.profiles


def test_a_file_with_the_name_of_one_that_ships_takes_its_place(tmp_path: Path) -> None:
    found = staff(tmp_path)
    assert found.origin("critic") == "shipped"
    path = write(tmp_path, "critic", CRITIC.replace("title: Critic", "title: My critic"))
    assert (found.agent("critic").title, found.origin("critic")) == ("My critic", "override")
    assert len(found.profiles) == len(profiles())
    path.unlink()
    assert (found.agent("critic").title, found.origin("critic")) == ("Critic", "shipped")


def test_while_a_file_is_faulty_what_it_said_before_holds(tmp_path: Path) -> None:
    write(tmp_path, "strict", age=1)
    found = staff(tmp_path)
    write(tmp_path, "strict", "tier: huge")
    assert found.agent("strict").title == "Critic"
    write(tmp_path, "worse", "name: [")
    assert "worse" not in found.profiles


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CRITIC.replace("tier: large", "tier: huge"), "line 11, tier: must be 'small', "),
        (CRITIC.replace("name: critic", "name: somebody"), "line 1, name: the file of strict must hold"),
        (CRITIC.replace("reviewer: strategist", "reviewer: nobody"), "line 10, reviewer: there is no agent 'nobody'"),
        (CRITIC.replace("reviewer: strategist", "reviewer: strict"), "strict cannot review its own work"),
        (CRITIC.replace("drafts, code", "drafts, kitchen"), "there is no section 'kitchen'"),
        (CRITIC.replace("title: Critic", "title: Critic\nhobby: chess"), "line 3, hobby: is not known here"),
        ("- a\n- b\n", "line 1: it must hold `name: value` pairs"),
        ("name: [", "line 1"),
        ("", "line 1, name: is missing"),
    ],
)
def test_a_faulty_profile_is_told_with_file_line_and_field_and_changes_nothing(
    tmp_path: Path, text: str, told: str
) -> None:
    own = OwnProfiles(tmp_path)
    good = write(tmp_path, "strict").read_bytes()
    bad = tmp_path / "bad.txt"
    bad.write_text(text.replace("name: critic", "name: strict"), "utf-8")
    with pytest.raises(ConfigurationError, match=rf"^{re.escape(str(bad))}.*{re.escape(told)}"):
        own.adopt("strict", bad)
    assert own.path("strict").read_bytes() == good


def test_a_critic_of_ones_own_needs_a_reviewer_other_than_itself(tmp_path: Path) -> None:
    write(tmp_path, "critic", CRITIC.replace("reviewer: strategist\n", ""))
    with pytest.raises(ConfigurationError, match="critic cannot review its own work; name another agent"):
        staff(tmp_path)


def test_a_copy_of_every_agent_that_ships_can_be_used(tmp_path: Path) -> None:
    for path in AGENTS.glob("*.yaml"):
        text = re.sub(r"(?m)^name:.*$", f"name: my_{path.stem}", path.read_text("utf-8"))
        write(tmp_path, f"my_{path.stem}", text)
    assert len(staff(tmp_path).profiles) == 2 * len(profiles())
