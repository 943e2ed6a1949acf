"""One-time links become sessions; a session ends with its time, by signing out, or with the owner's token."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infrastructure.web.sessions import LINK_LIVES, MOST_LINKS, SESSION_LIVES, Sessions
from services.ports.clock import Clock


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def entropy(self) -> bytes:
        return bytes(10)


@pytest.fixture
def clock() -> Hand:
    return Hand()


def sessions(folder: Path, clock: Clock, token: str = "owner") -> Sessions:
    return Sessions(folder / "sessions.json", token, clock)


def test_a_link_gives_one_session_and_no_second(tmp_path: Path, clock: Hand) -> None:
    known = sessions(tmp_path, clock)
    link = known.link()
    session = known.exchange(link)
    assert session is not None and known.holds(session)
    assert known.exchange(link) is None
    assert known.exchange("something else") is None and not known.holds(link)


def test_a_link_is_worth_nothing_after_its_time(tmp_path: Path, clock: Hand) -> None:
    known = sessions(tmp_path, clock)
    late, in_time = known.link(), known.link()
    clock.at += LINK_LIVES - timedelta(seconds=1)
    assert known.exchange(in_time)
    clock.at += timedelta(seconds=1)
    assert known.exchange(late) is None


def test_only_the_newest_links_are_kept(tmp_path: Path, clock: Hand) -> None:
    known = sessions(tmp_path, clock)
    first = known.link()
    for _ in range(MOST_LINKS):
        clock.at += timedelta(seconds=1)
        newest = known.link()
    assert known.exchange(first) is None and known.exchange(newest)


def test_a_link_does_not_outlive_the_program(tmp_path: Path, clock: Hand) -> None:
    link = sessions(tmp_path, clock).link()
    assert sessions(tmp_path, clock).exchange(link) is None


def test_a_session_outlives_the_program_but_not_its_time(tmp_path: Path, clock: Hand) -> None:
    session = sessions(tmp_path, clock).begin()
    assert sessions(tmp_path, clock).holds(session)
    clock.at += SESSION_LIVES
    assert not sessions(tmp_path, clock).holds(session)


def test_signing_out_ends_one_session_for_good(tmp_path: Path, clock: Hand) -> None:
    known = sessions(tmp_path, clock)
    here, elsewhere = known.begin(), known.begin()
    known.end(here)
    assert not known.holds(here) and known.holds(elsewhere)
    assert not sessions(tmp_path, clock).holds(here)


def test_a_new_owners_token_ends_every_session(tmp_path: Path, clock: Hand) -> None:
    session = sessions(tmp_path, clock).begin()
    assert not sessions(tmp_path, clock, token="another").holds(session)


def test_the_file_is_private_and_nobody_signs_in_with_what_it_holds(tmp_path: Path, clock: Hand) -> None:
    session = sessions(tmp_path, clock).begin()
    file = tmp_path / "sessions.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert session not in file.read_text()
    (held,) = json.loads(file.read_text())
    assert not sessions(tmp_path, clock).holds(held)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": "never"}', "null"])
def test_a_broken_file_holds_nobodys_session(tmp_path: Path, clock: Hand, text: str) -> None:
    (tmp_path / "sessions.json").write_text(text)
    known = sessions(tmp_path, clock)
    assert not known.holds("a") and known.holds(known.begin())


def test_a_form_token_belongs_to_its_session(tmp_path: Path, clock: Hand) -> None:
    known = sessions(tmp_path, clock)
    mine, other = known.begin(), known.begin()
    assert known.is_form_token(mine, known.form_token(mine))
    assert not known.is_form_token(mine, known.form_token(other))
    assert not known.is_form_token(mine, "") and not known.is_form_token(mine, "é")
