"""What a host loads, unloads and starts next: single steps in small cases, and whole simulated days of any kind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.model_pool import TURN, Decision, Host, Job, Model, decide, never_fits
from tests.model_days import Day, drawn_day, spent


def host(limit: int, *models: Model, resident: Sequence[str] = (), busy: Mapping[str, int] | None = None) -> Host:
    by_key = {model.key: model for model in models}
    return Host(limit=limit, models=by_key, resident=frozenset(resident), busy=busy or {})


def model(key: str, bytes: int = 4, load_seconds: float = 10.0, slots: int = 1) -> Model:
    return Model(key=key, bytes=bytes, load_seconds=load_seconds, slots=slots)


A, B, C = model("a"), model("b"), model("c")


def test_ready_work_of_a_loaded_model_starts() -> None:
    step = decide(host(4, A, resident="a"), [Job(id="one", model="a")], 0.0)
    assert step == Decision(start=("one",), why="Work that starts on loaded models: 1.")


def test_no_more_starts_than_there_are_free_slots() -> None:
    jobs = [Job(id=id, model="a") for id in "xyz"]
    assert decide(host(4, model("a", slots=3), resident="a", busy={"a": 1}), jobs, 0.0).start == ("x", "y")


def test_a_running_job_takes_a_slot_even_between_its_calls() -> None:
    jobs = [Job(id="x", model="a", running=True), Job(id="y", model="a")]
    assert decide(host(4, A, resident="a"), jobs, 0.0).start == ()


def test_work_waits_for_what_it_depends_on() -> None:
    jobs = [Job(id="x", model="a", running=True), Job(id="y", model="a", depends_on=("x",))]
    assert decide(host(4, model("a", slots=2), resident="a"), jobs, 0.0).start == ()


def test_what_it_depends_on_is_over_when_it_is_no_longer_told() -> None:
    assert decide(host(4, A, resident="a"), [Job(id="y", model="a", depends_on=("x",))], 0.0).start == ("y",)


def test_the_longest_way_to_the_end_goes_first() -> None:
    jobs = [Job(id="x", model="a"), Job(id="y", model="a"), Job(id="z", model="a", depends_on=("y",))]
    assert decide(host(4, A, resident="a"), jobs, 0.0).start == ("y",)


def test_priority_goes_before_the_longest_way() -> None:
    jobs = [Job(id="x", model="a", seconds=99), Job(id="y", model="a", priority=50)]
    assert decide(host(4, A, resident="a"), jobs, 0.0).start == ("y",)


def test_of_equals_what_has_waited_longer_goes_first() -> None:
    jobs = [Job(id="x", model="a", since=2), Job(id="y", model="a", since=1)]
    assert decide(host(4, A, resident="a"), jobs, 3.0).start == ("y",)


def test_a_model_is_loaded_beside_the_others_while_there_is_room() -> None:
    step = decide(host(8, A, B, resident="a", busy={"a": 1}), [Job(id="x", model="b")], 0.0)
    assert (step.load, step.evict, step.why) == ("b", (), "b is loaded: work that waits for it: 1.")


def test_all_ready_work_of_a_loaded_model_goes_before_a_swap() -> None:
    jobs = [Job(id="x", model="a"), Job(id="y", model="a"), Job(id="z", model="b")]
    day = Day(limit=4, models={"a": A, "b": B}, jobs=tuple(jobs), resident=frozenset("a"))
    assert list(spent(day, decide).began) == ["x", "y", "z"]


def test_an_idle_model_makes_room() -> None:
    step = decide(host(4, A, B, resident="a"), [Job(id="x", model="b")], 0.0)
    assert (step.load, step.evict) == ("b", ("a",))
    assert step.why == "b is loaded in place of a: work that waits for it: 1."


def test_a_busy_model_does_not_make_room() -> None:
    step = decide(host(4, A, B, resident="a", busy={"a": 1}), [Job(id="x", model="b")], 0.0)
    assert step == Decision(why="Nothing can start or be loaded now.")


def test_a_model_without_work_left_makes_room_before_one_that_is_needed_again() -> None:
    jobs = [Job(id="x", model="c"), Job(id="y", model="a", depends_on=("x",))]
    step = decide(host(8, A, B, C, resident="ab"), jobs, 0.0)
    assert (step.load, step.evict) == ("c", ("b",))


def test_no_more_is_unloaded_than_is_needed() -> None:
    small, large = model("small", bytes=1), model("large", bytes=6)
    step = decide(host(8, small, large, A, resident=("small", "large")), [Job(id="x", model="a")], 0.0)
    assert (step.load, step.evict) == ("a", ("large",))


def test_the_model_that_can_finish_all_of_its_work_comes_first() -> None:
    jobs = [
        Job(id="w", model="a", seconds=1),
        Job(id="x", model="b", seconds=1),
        Job(id="y", model="a", seconds=1, depends_on=("x",)),
    ]
    assert decide(host(4, A, B), jobs, 0.0).load == "b"


def test_a_swap_waits_for_work_that_comes_soon_when_that_is_shorter() -> None:
    """To load b now would take a out, and a is needed again when what runs elsewhere ends in a second."""
    jobs = [
        Job(id="far", model="elsewhere", seconds=1, running=True),
        Job(id="x", model="a", seconds=1, depends_on=("far",)),
        Job(id="y", model="b", seconds=1),
    ]
    step = decide(host(4, A, B, resident="a"), jobs, 0.0)
    assert step == Decision(why="Nothing can start or be loaded now.")


def test_a_model_is_loaded_ahead_of_its_work_where_there_is_room() -> None:
    jobs = [Job(id="x", model="a", seconds=30), Job(id="y", model="b", depends_on=("x",))]
    step = decide(host(8, A, B, resident="a"), jobs, 0.0)
    assert (step.start, step.load, step.why) == (("x",), "b", "b is loaded: its work comes soon.")


def test_ahead_of_its_work_a_model_takes_no_place_of_one_that_has_work_left() -> None:
    """They would take turns, however short, until the work came."""
    jobs = [Job(id="x", model="a", seconds=30, running=True)]
    jobs += [Job(id=f"y{key}", model=key, seconds=5, depends_on=("x",)) for key in "bc"]
    quick = model("c", load_seconds=0.0)
    for loaded in ("ab", "ac"):
        assert decide(host(8, A, model("b", load_seconds=0.0), quick, resident=loaded), jobs, 0.0).load is None


def test_nothing_is_loaded_without_work_for_it() -> None:
    assert decide(host(8, A, B), [], 0.0) == Decision(why="Nothing can start or be loaded now.")


def test_while_one_model_is_loading_no_other_is_and_nothing_starts_on_it() -> None:
    at_it = replace(host(12, A, B, C, resident="ab"), loading="b")
    jobs = [Job(id="x", model="a"), Job(id="y", model="b"), Job(id="z", model="c")]
    step = decide(at_it, jobs, 0.0)
    assert (step.start, step.load) == (("x",), None)


def test_what_has_waited_past_the_age_limit_stops_new_work_on_what_stands_in_its_way() -> None:
    jobs = [Job(id="x", model="a", since=900), Job(id="late", model="b", since=100)]
    crowded = host(4, model("a", slots=2), B, resident="a", busy={"a": 1})
    assert decide(crowded, jobs, 700.0).start == ("x",)
    assert decide(crowded, jobs, 701.0) == Decision(
        held=("a",),
        why="b comes first: work has waited for it for 601 seconds. Nothing more starts on a until it can be loaded.",
    )


def test_what_has_waited_past_the_age_limit_is_loaded_as_soon_as_what_runs_has_ended() -> None:
    jobs = [Job(id="x", model="a", since=900), Job(id="late", model="b", since=100)]
    step = decide(host(4, A, B, resident="a"), jobs, 901.0)
    assert (step.start, step.load, step.evict) == ((), "b", ("a",))
    assert step.why == "b is loaded first: work has waited for it for 801 seconds."


def test_what_does_not_stand_in_the_way_of_late_work_goes_on() -> None:
    jobs = [Job(id="x", model="small"), Job(id="y", model="a"), Job(id="late", model="b", since=-999)]
    small = model("small", bytes=1, slots=2)
    crowded = host(5, small, model("a", slots=2, load_seconds=1), B, resident=("small", "a"), busy={"a": 1, "small": 1})
    assert decide(crowded, jobs, 0.0).start == ("x",)


def test_late_work_of_a_loaded_model_goes_before_its_other_work() -> None:
    jobs = [Job(id="x", model="a", priority=50, since=999), Job(id="late", model="a", since=0)]
    assert decide(host(4, A, resident="a"), jobs, 1000.0).start == ("late",)


def test_when_all_is_late_models_take_turns_that_are_long_beside_their_loads() -> None:
    jobs = tuple(Job(id=f"{number:02}", model="ab"[number % 2], seconds=20) for number in range(80))
    came = {job.id: float(number) for number, job in enumerate(jobs)}
    day = Day(limit=4, models={"a": A, "b": B}, jobs=jobs, came=came)
    done = spent(day, lambda host, jobs, now: decide(host, jobs, now, oldest=60.0))
    assert done.undone == ()
    assert len(done.loads) > 4
    assert len(done.loads) * A.load_seconds < done.seconds / (TURN - 1)


def test_urgent_work_does_not_wait_for_the_rest_of_the_work_in_its_way() -> None:
    jobs = [Job(id="x", model="a"), Job(id="urgent", model="b", priority=50)]
    step = decide(host(4, A, B, resident="a"), jobs, 0.0)
    assert (step.start, step.load, step.evict) == ((), "b", ("a",))
    busy = decide(host(4, model("a", slots=2), B, resident="a", busy={"a": 1}), jobs, 0.0)
    assert busy.start == ()
    assert busy.why == "b comes first: more urgent work waits for it. Nothing more starts on a until it can be loaded."


def test_urgent_work_does_not_put_out_a_model_before_its_late_work_began() -> None:
    jobs = [Job(id="late", model="a", since=-999), Job(id="urgent", model="b", priority=50)]
    step = decide(host(4, A, B, resident="a"), jobs, 0.0)
    assert (step.start, step.load) == (("late",), None)


def test_work_of_the_same_priority_on_a_loaded_model_is_not_held_for_urgent_work() -> None:
    jobs = [Job(id="x", model="a", priority=50), Job(id="y", model="b", priority=50), Job(id="z", model="a")]
    step = decide(host(4, A, B, resident="a"), jobs, 0.0)
    assert (step.start, step.load) == (("x",), None)


def test_a_model_larger_than_the_limit_never_fits() -> None:
    assert never_fits(host(4, A, model("huge", bytes=5))) == ("huge",)


def test_work_of_a_model_that_never_fits_is_left_with_what_depends_on_it() -> None:
    jobs = [Job(id="x", model="huge"), Job(id="y", model="a", depends_on=("x",)), Job(id="z", model="a")]
    crowded = host(4, A, model("huge", bytes=5), resident="a")
    assert decide(crowded, jobs, 0.0).start == ("z",)


def test_work_that_waits_for_itself_is_left() -> None:
    jobs = [Job(id="x", model="a", depends_on=("y",)), Job(id="y", model="a", depends_on=("x",))]
    assert decide(host(4, A, resident="a"), jobs, 0.0).start == ()


def test_a_limit_that_was_lowered_loads_nothing_until_enough_is_unloaded() -> None:
    crowded = host(5, A, B, C, resident="ab", busy={"a": 1, "b": 1})
    assert decide(crowded, [Job(id="x", model="c")], 0.0).load is None
    calmer = replace(crowded, busy={"b": 1})
    assert decide(calmer, [Job(id="x", model="c")], 0.0).load is None
    assert decide(replace(crowded, busy={}), [Job(id="x", model="c")], 0.0).evict == ("a", "b")


def test_a_loaded_model_of_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match="The model b is loaded, but its size is not known"):
        host(4, A, resident="b")


models = st.builds(
    model, key=st.just(""), bytes=st.integers(1, 8), load_seconds=st.integers(0, 9).map(float), slots=st.integers(1, 3)
)


@st.composite
def days(draw: st.DrawFn) -> Day:
    made = {key: replace(draw(models), key=key) for key in "abcde"[: draw(st.integers(1, 5))]}
    ids = [f"j{number:02}" for number in range(draw(st.integers(1, 20)))]
    jobs = tuple(
        Job(
            id=id,
            model=draw(st.sampled_from(sorted(made))),
            seconds=draw(st.integers(1, 30)),
            depends_on=tuple(draw(st.sets(st.sampled_from(ids[:number]), max_size=3))) if number else (),
            priority=draw(st.sampled_from((50, 100, 100))),
        )
        for number, id in enumerate(ids)
    )
    came = draw(st.dictionaries(st.sampled_from(ids), st.integers(0, 60).map(float)))
    return Day(limit=draw(st.integers(4, 16)), models=made, jobs=jobs, came=came)


@given(days(), st.sampled_from((5.0, 40.0, 600.0)))
@settings(max_examples=60, deadline=None)
def test_every_day_ends_with_all_work_done_that_can_be(day: Day, oldest: float) -> None:
    """The day itself holds each step against the limit, the slots and what is busy."""
    left = {job.id for job in day.jobs if day.models[job.model].bytes > day.limit}
    for job in day.jobs:
        left |= {job.id} if left.intersection(job.depends_on) else set()
    done = spent(day, lambda host, jobs, now: decide(host, jobs, now, oldest))
    assert set(done.undone) == left
    assert len(done.loads) <= len(day.jobs) + len(day.models)


@given(st.lists(models, min_size=1, max_size=4), st.lists(st.integers(1, 30), min_size=1, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_nobody_waits_longer_than_the_age_limit_what_was_running_and_the_loads(
    crowd: list[Model], seconds: list[int], data: st.DataObject
) -> None:
    """Others come all the time; one alone needs a model that has no room beside theirs."""
    made = {f"m{number}": replace(one, key=f"m{number}") for number, one in enumerate(crowd)}
    limit = sum(one.bytes for one in crowd)
    lone = Model(key="lone", bytes=data.draw(st.integers(1, limit)), load_seconds=7)
    first = tuple(Job(id=f"first {key}", model=key, seconds=9, priority=1) for key in made)
    keys = data.draw(st.lists(st.sampled_from(sorted(made)), min_size=len(seconds), max_size=len(seconds)))
    rest = tuple(
        Job(id=f"{n:02}", model=key, seconds=long) for n, (key, long) in enumerate(zip(keys, seconds, strict=True))
    )
    day = Day(
        limit=limit,
        models={**made, "lone": lone},
        jobs=(*first, *rest, Job(id="alone", model="lone")),
        resident=frozenset(made),
        came={job.id: 1.0 + number for number, job in enumerate(rest)},
    )
    done = spent(day, lambda host, jobs, now: decide(host, jobs, now, 40.0))
    assert done.waited["alone"] <= 40 + max(*seconds, 9) + max(one.load_seconds for one in crowd) + 7


@given(days())
@settings(max_examples=25, deadline=None)
def test_the_order_in_which_things_are_told_changes_nothing(day: Day) -> None:
    def both(host: Host, jobs: Sequence[Job], now: float) -> Decision:
        told = decide(host, jobs, now, 20.0)
        turned = replace(
            host,
            models=dict(sorted(host.models.items(), reverse=True)),
            busy=dict(sorted(host.busy.items(), reverse=True)),
        )
        assert decide(turned, jobs[::-1], now, 20.0) == told
        return told

    spent(day, both)


def test_a_day_of_much_work_ends_with_few_loads() -> None:
    day = drawn_day(1, tasks=(200, 200), models=(5, 5))
    assert len(spent(day, decide).loads) < 40
