"""Whether work gets anywhere: drafts that come back, findings that stay, the same step again, two in turn."""

import pytest

from domain.agent_graph.state import Loop
from domain.standstill import Step, alternates, findings_stay, refused_before, standstill, stays

A, B = Step("search(lift)", ("3 hits",)), Step("search(door)", ("none",))
WRONG = ("It has the sections Risks",)


def test_a_step_with_the_same_outcome_twice_in_a_row_is_a_standstill() -> None:
    found = standstill([B, A, A])
    assert found is not None and found.kind == "repeated" and "2 times in a row" in found.reason
    assert standstill([A, A], times=3) is None and standstill([A, A, A], times=3) is not None


def test_the_same_step_with_another_outcome_is_progress() -> None:
    assert standstill([A, Step(A.did, ("4 hits",))]) is None


def test_two_steps_in_turn_are_a_standstill_once_both_came_twice() -> None:
    assert standstill([A, B, A]) is None
    found = standstill([B, A, B, A])
    assert found is not None and found.kind == "alternating"
    assert standstill([A, B, A, Step(B.did, ("one",))]) is None


@pytest.mark.parametrize("values", [[], [1], [1, 2, 1], [1, 1, 1, 1], [1, 2, 3, 2]])
def test_what_does_not_go_back_and_forth_is_not_said_to(values: list[int]) -> None:
    assert not alternates(values)


def test_a_draft_that_says_what_was_refused_is_refused_before_it_is_checked() -> None:
    drafts = [Step("# Lift\n\nIt carries 400 kg.", WRONG), Step("# Door\n\nIt closes.", WRONG)]
    back = refused_before(drafts, "# lift\nIt carries   400 kg", WRONG)
    assert back is not None and "refused before (number 1 of 2)" in back.reason
    same = refused_before(drafts, "# Door\n\nIt closes.\n", WRONG)
    assert same is not None and "number 2 of 2" in same.reason
    assert refused_before(drafts, "# Lift\n\nIt carries 401 kg.", WRONG) is None
    assert refused_before([], "# Lift", WRONG) is None


def test_a_draft_that_was_refused_for_what_is_not_asked_any_more_is_looked_at_again() -> None:
    assert refused_before([Step("# Lift", WRONG)], "# Lift", ("It names the limit",)) is None
    assert refused_before([Step("# Lift", ())], "# Lift", WRONG) is None


def test_a_finding_that_stands_in_all_reviews_is_told_with_their_number() -> None:
    reviews = [{"x"}, {"x", "y"}, {"x"}, {"x"}]
    assert stays(reviews, 4) == ("x",)
    found = findings_stay(reviews, 4)
    assert found is not None and "“x” was not met in 4 reviews" in found.reason
    assert findings_stay(reviews[:3], 4) is None


def test_a_finding_that_was_met_at_last_is_no_standstill() -> None:
    assert findings_stay([{"x"}, {"x"}, {"x"}, {"x"}, {"y"}], 4) is None


def went(*values: str) -> list[bool]:
    """For each value that a loop watches, whether it is told to stand still."""
    loop, found = Loop(node="again"), []
    for value in values:
        found.append(loop.stands_still(value))
        loop = loop.went_round(value)
    return found


def test_a_loop_stands_still_where_what_it_watches_does_not_change_or_goes_back_and_forth() -> None:
    assert went("a", "b", "b") == [False, False, True]
    assert went("a", "b", "a", "b") == [False, False, False, True]
    assert went("a", "b", "a", "c", "a", "c") == [False, False, False, False, False, True]
    assert went("a", "b", "c", "a", "b", "c") == [False] * 6
