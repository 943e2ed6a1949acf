"""Which models are proposed: on machines as people have them, and what must hold of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_list import open_models
from domain.memory import Shape, need
from domain.suggesting import CONTEXTS, SHORT, TIERS, OpenModel, Suggestion, suggest
from services.model_advice import GIB, budget_of, pace_of
from services.ports.machine import Gpu, Machine, Server
from tests.unit.test_memory import QWEN3_4B, shapes

LIST = open_models()
SMALL_CARD = Machine(
    system="Linux", total=16 * GIB, gpus=(Gpu(name="NVIDIA GeForce GTX 1650", total=4 * GIB, free=3 * GIB),)
)
BIG_CARD = Machine(system="Linux", total=64 * GIB, gpus=(Gpu(name="NVIDIA GeForce RTX 4090", total=24 * GIB),))
JETSON = Machine(system="Linux", total=64 * GIB, available=55 * GIB, shared=True, gpus=(Gpu(name="integrated"),))
LAPTOP = Machine(system="Linux", total=16 * GIB, available=9 * GIB)
TINY = Machine(system="Linux", total=1 * GIB, available=GIB // 2)

names = st.integers(0, 10_000).map(lambda n: f"model:{n}")
listed = st.builds(
    lambda **made: OpenModel(title="A model", licence="MIT", **made),
    name=names,
    parameters=st.integers(10**8, 10**11),
    tiers=st.lists(st.sampled_from(TIERS), unique=True).map(tuple),
    shape=shapes,
)
lists = st.lists(listed, max_size=8, unique_by=lambda model: model.name)
budgets = st.integers(0, 2 * 10**11)
paces = st.none() | st.integers(10**9, 10**11)


def chosen(machine: Machine, *servers: Server) -> Suggestion:
    pace = pace_of(machine)
    return suggest(LIST, budget_of(machine, servers).planned, active=pace.active, parallel=pace.parallel)


def named(suggestion: Suggestion) -> dict[str, str]:
    return {tier: pick.model.name for tier in TIERS if (pick := suggestion.of(tier)) is not None}


@pytest.mark.parametrize(
    ("machine", "planned", "expected"),
    [
        (SMALL_CARD, 3.4, {"small": "llama3.2:3b", "large": "llama3.2:3b", "code": "qwen2.5-coder:1.5b"}),
        (BIG_CARD, 20.4, {"small": "qwen3:1.7b", "large": "qwen3:30b-a3b-instruct-2507-q4_K_M"}),
        (JETSON, 43.52, {"small": "qwen3:1.7b", "medium": "qwen3:8b", "large": "qwen3:32b", "code": "qwen3-coder:30b"}),
        (LAPTOP, 10.88, {"small": "qwen3:1.7b", "large": "qwen3:8b", "code": "qwen2.5-coder:7b"}),
    ],
    ids=["a card of 4 GB", "a card of 24 GB", "a Jetson of 64 GB", "a laptop without a GPU"],
)
def test_a_machine_gets_models_that_fit(machine: Machine, planned: float, expected: dict[str, str]) -> None:
    found = chosen(machine)
    assert found.budget / GIB == pytest.approx(planned, rel=0.001)
    assert expected.items() <= named(found).items()
    assert all(pick.bytes <= found.budget for pick in found.picks)


def test_on_a_machine_of_one_gigabyte_nothing_fits_and_the_numbers_are_told() -> None:
    found = chosen(TINY)
    assert found.picks == () and found.budget == 0
    assert all("needs" in reason and "GB" in reason for _, reason in found.reasons)


def test_a_laptop_without_a_gpu_gets_no_model_that_it_would_wait_for() -> None:
    large = next(reason for tier, reason in chosen(LAPTOP).reasons if tier == "large")
    assert "quick enough on this machine" in large
    assert chosen(LAPTOP).parallel == 1 < chosen(JETSON).parallel


def test_a_shared_machine_keeps_a_fifth_and_at_least_two_gigabytes_for_the_system() -> None:
    small = Machine(system="Linux", total=4 * GIB, shared=True)
    assert budget_of(JETSON).may_take == 64 * GIB - 64 * GIB // 5
    assert budget_of(small).may_take == 2 * GIB
    assert "share" in budget_of(JETSON).told


def test_the_limit_of_the_process_counts_where_it_is_lower() -> None:
    limited = Machine(system="Linux", total=64 * GIB, limit=8 * GIB)
    assert budget_of(limited).may_take == 6 * GIB
    assert "limit of this process" in budget_of(limited).told


def test_what_a_server_holds_that_makes_no_room_is_not_given_twice() -> None:
    triton = Server(kind="triton", address="http://127.0.0.1:8000")
    ollama = Server(kind="ollama", address="http://127.0.0.1:11434", evicts=True, loaded=4 * GIB)
    busy = Machine(system="Linux", total=64 * GIB, available=20 * GIB, shared=True)
    assert budget_of(busy, (ollama,)).may_take == budget_of(busy).may_take
    assert budget_of(busy, (triton,)).may_take == 20 * GIB
    assert budget_of(busy, (triton, ollama)).may_take == 24 * GIB
    assert "other programs hold" in budget_of(busy, (triton,)).told
    assert budget_of(SMALL_CARD, (triton,)).may_take == 3 * GIB


def test_several_cards_count_together() -> None:
    two = Machine(system="Linux", total=64 * GIB, gpus=(Gpu(name="A", total=8 * GIB), Gpu(name="B", total=4 * GIB)))
    assert budget_of(two).may_take == 12 * GIB


@given(lists, budgets, paces)
def test_no_model_is_ever_over_the_budget(models: list[OpenModel], budget: int, active: int | None) -> None:
    found = suggest(models, budget, active=active)
    for pick in found.picks:
        assert pick.bytes == need(pick.model.shape, pick.context_tokens, pick.parallel).total <= budget
        assert pick.context_tokens <= pick.model.shape.trained_tokens
        assert pick.context_tokens in (*CONTEXTS, SHORT)
    assert {tier for tier, _ in found.reasons} == set(TIERS)
    assert len({pick.model.name for pick in found.picks}) == len(found.picks)


@given(lists, budgets, budgets, paces)
def test_more_memory_never_leads_to_a_smaller_large_model(
    models: list[OpenModel], a: int, b: int, active: int | None
) -> None:
    less, more = (suggest(models, budget, active=active).of("large") for budget in sorted((a, b)))
    assert less is None or (more is not None and more.model.parameters >= less.model.parameters)


@given(budgets, budgets)
def test_that_holds_of_the_list_that_ships_too(a: int, b: int) -> None:
    less, more = (suggest(LIST, budget).of("large") for budget in sorted((a, b)))
    assert less is None or (more is not None and more.model.parameters >= less.model.parameters)


def test_a_short_context_is_for_the_lightest_model_only() -> None:
    def model(name: str, parameters: int, shape: Shape) -> OpenModel:
        return OpenModel(
            name=name, title="A model", licence="MIT", parameters=parameters, tiers=("large",), shape=shape
        )

    light = model("light:1", 10**9, QWEN3_4B)
    heavy = model("heavy:1", 10**10, Shape(**{**vars(QWEN3_4B), "file_bytes": 2_600_000_000}))
    between = (need(heavy.shape, SHORT).total + need(light.shape, CONTEXTS[-1]).total) // 2
    found = suggest([light, heavy], between).of("large")
    assert found is not None and (found.model.name, found.context_tokens) == ("light:1", SHORT)
