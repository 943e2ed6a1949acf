"""How much memory a model needs: published numbers, and what must hold of any shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_list import open_models
from domain.memory import Layers, Shape, need

GIB = 2**30
QWEN3_4B = Shape(
    layers=(Layers(count=36, kv_heads=8, key_length=128, value_length=128),),
    vocabulary=151_936,
    trained_tokens=40_960,
    file_bytes=2_497_280_256,
)

layers = st.builds(
    Layers,
    count=st.integers(1, 100),
    kv_heads=st.integers(0, 64),
    key_length=st.integers(1, 512),
    value_length=st.integers(1, 512),
    window=st.sampled_from([0, 128, 512, 1024, 4096]),
)
shapes = st.builds(
    Shape,
    layers=st.lists(layers, min_size=1, max_size=4).map(tuple),
    vocabulary=st.integers(1_000, 300_000),
    trained_tokens=st.integers(2_048, 262_144),
    file_bytes=st.integers(1_000_000, 10**11),
)
contexts, parallels = st.integers(512, 262_144), st.integers(1, 8)


@pytest.mark.parametrize(("context", "published"), [(4_096, 3.6), (8_192, 4.1)])
def test_a_published_need_is_met_within_four_percent(context: int, published: float) -> None:
    assert need(QWEN3_4B, context).total / GIB == pytest.approx(published, rel=0.04)


def test_the_cache_of_a_model_is_exact() -> None:
    assert need(QWEN3_4B, 4_096).cache == 36 * 4_096 * 8 * (128 + 128) * 2 == 576 * 2**20


def test_an_eight_bit_cache_takes_34_bytes_for_32_numbers() -> None:
    assert need(QWEN3_4B, 4_096, cell="q8_0").cache * 64 == need(QWEN3_4B, 4_096).cache * 34


def test_layers_with_a_window_keep_that_and_a_batch() -> None:
    wide = Layers(count=1, kv_heads=1, key_length=1, value_length=1, window=1_024)
    shape = Shape(layers=(wide,), vocabulary=1_000, trained_tokens=131_072, file_bytes=1)
    assert need(shape, 65_536, 2).cache == (1_024 * 2 + 512) * 2 * 2
    assert need(shape, 600, 2).cache == 1_200 * 2 * 2


@given(shapes, contexts, contexts, parallels, parallels)
def test_more_context_or_more_calls_never_need_less(shape: Shape, a: int, b: int, m: int, n: int) -> None:
    less = need(shape, min(a, b), min(m, n))
    more = need(shape, max(a, b), max(m, n))
    assert less.total <= more.total
    assert need(shape, a, m, cell="q8_0").total <= need(shape, a, m).total


@given(shapes, contexts, parallels)
def test_a_need_is_the_sum_of_its_parts_and_more_than_the_file(shape: Shape, context: int, parallel: int) -> None:
    found = need(shape, context, parallel)
    assert found.total == found.file + found.cache + found.compute + found.runtime
    assert found.total > found.file == shape.file_bytes


def test_every_model_of_the_list_has_a_believable_file() -> None:
    """Four to nine bits a parameter, as its quantisation says; half as many bytes more for what is not quantised."""
    bits = {"Q4_K_M": (4, 7), "MXFP4": (4, 6), "Q8_0": (8, 9), "F16": (16, 17)}
    for model in open_models():
        least, most = bits[model.quantisation]
        assert least <= model.shape.file_bytes * 8 / model.parameters <= most, model.name
        assert model.active is None or model.active < model.parameters
