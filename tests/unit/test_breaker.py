"""When a deployment is left alone, and when it is trusted again."""

import pytest

from adapters.llm.breaker import FAILURES, REST, SUCCESSES, Breaker


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.end(breaker.begin(), good=False)
    return breaker


def test_it_opens_after_three_failures_in_a_row_for_a_minute() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for good in (False, False, True, False, False):
        breaker.end(breaker.begin(), good=good)
    assert breaker.rests() == 0
    breaker.end(breaker.begin(), good=False)
    assert (FAILURES, REST, SUCCESSES) == (3, 60.0, 2)
    assert breaker.rests() == 60
    clock.now += 59
    assert breaker.rests() == 1
    clock.now += 1
    assert breaker.rests() == 0


def test_after_its_rest_one_call_at_a_time_goes_until_two_were_good() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += REST
    first = breaker.begin()
    assert breaker.rests() > 0
    breaker.end(first, good=True)
    assert breaker.rests() == 0
    second = breaker.begin()
    assert breaker.rests() > 0
    breaker.end(second, good=True)
    breaker.begin(), breaker.begin()
    assert breaker.rests() == 0


def test_a_failure_of_the_one_call_opens_it_anew() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += REST
    breaker.end(breaker.begin(), good=True)
    breaker.end(breaker.begin(), good=False)
    assert breaker.rests() == 60


@pytest.mark.parametrize("good", [True, False, None])
def test_how_calls_end_that_began_before_it_opened_says_nothing_any_more(good: bool | None) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    before = [breaker.begin() for _ in range(FAILURES + 3)]
    for _ in range(FAILURES):
        breaker.end(before.pop(), good=False)
    clock.now += 30
    breaker.end(before.pop(), good=good)
    assert breaker.rests() == 30
    clock.now += 30
    breaker.begin()
    breaker.end(before.pop(), good=good)
    breaker.end(before.pop(), good=good)
    assert breaker.rests() > 0, "a second call was let through beside the one that tries"
