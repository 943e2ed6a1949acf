"""What budgets say of themselves."""

import pytest

from domain.budget import Budget, Cap, Measure, Shortage, amounts, shown, widened
from domain.run import Usage


def shortage(cap: int, used: int, held: int, wanted: int) -> Shortage:
    of = Cap(level="task", id="tsk_1", measure="tokens", amount=cap)
    return Shortage(cap=of, used=used, held=held, wanted=wanted)


@pytest.mark.parametrize(
    ("measure", "amount", "said"),
    [
        ("calls", 1, "1 call to models"),
        ("calls", 1_200, "1,200 calls to models"),
        ("money", 500_000, "0.50 in money"),
        ("money", 1_234_567_890, "1,234.56789 in money"),
        ("tokens", 0, "0 tokens"),
        ("seconds", 90, "90 seconds of model time"),
    ],
)
def test_an_amount_is_said_with_its_measure(measure: Measure, amount: int, said: str) -> None:
    assert shown(measure, amount) == said


def test_what_only_calls_under_way_hold_passes_later() -> None:
    assert not shortage(100, used=10, held=80, wanted=50).passes
    assert shortage(100, used=60, held=0, wanted=50).passes
    assert shortage(100, used=60, held=0, wanted=50).least == 110
    assert shortage(100, used=10, held=80, wanted=50).least == 101
    assert "80 tokens are held by calls under way" in shortage(100, used=10, held=80, wanted=50).told


def test_a_budget_is_widened_where_more_may_be_used() -> None:
    old = Budget(calls=5, tokens=100, money=7)
    assert widened(old, Budget(calls=6, tokens=99, seconds=3)) == ("calls", "money")
    assert widened(old, old) == ()


def test_seconds_are_counted_whole() -> None:
    assert amounts(Usage(seconds=1.01, input_tokens=2, output_tokens=3))["seconds"] == 2
    assert amounts(Usage(input_tokens=2, output_tokens=3)) == {"calls": 0, "money": 0, "tokens": 5, "seconds": 0}
