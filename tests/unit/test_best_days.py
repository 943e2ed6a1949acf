"""The exact search that the bench of swaps is held against."""

from domain.model_pool import Job, Model, decide
from tests.benchmarks.best_days import Bound, at_least, shortest
from tests.benchmarks.swaps import FirstCome
from tests.model_days import Day, drawn_day, spent

KNOWN = 1_000.0


def day(*jobs: Job, limit: int = 4) -> Day:
    models = {key: Model(key=key, bytes=4, load_seconds=10) for key in "ab"}
    return Day(limit=limit, models=models, jobs=jobs)


def test_a_day_of_one_job_is_its_load_and_its_work() -> None:
    assert shortest(day(Job(id="x", model="a", seconds=3)), 100, KNOWN) == Bound(13, True)


def test_the_shortest_day_loads_each_model_once_where_that_can_be() -> None:
    jobs = [Job(id=str(number), model="ab"[number % 2], seconds=1) for number in range(6)]
    assert shortest(day(*jobs), 10_000, KNOWN) == Bound(26, True)


def test_the_shortest_day_loads_while_others_work() -> None:
    jobs = [Job(id="x", model="a", seconds=12), Job(id="y", model="b", seconds=1, depends_on=("x",))]
    assert shortest(day(*jobs, limit=8), 10_000, KNOWN) == Bound(23, True)


def test_a_search_that_is_cut_off_gives_a_bound() -> None:
    found = shortest(drawn_day(3), 5, KNOWN)
    assert not found.exact
    assert found.seconds <= shortest(drawn_day(3), 20_000, KNOWN).seconds


def test_no_order_is_faster_than_the_shortest_day_nor_that_than_the_bound() -> None:
    for seed in range(6):
        small = drawn_day(seed, tasks=(5, 8))
        best = shortest(small, 20_000, KNOWN)
        assert best.exact
        assert at_least(small) <= best.seconds
        assert best.seconds <= spent(small, decide).seconds
        assert best.seconds <= spent(small, FirstCome()).seconds
