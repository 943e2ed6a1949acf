"""How much memory a model needs, from its shape. All sizes in bytes, all contexts in tokens.

    cells   = context x parallel        (layers with a window: at most window x parallel + batch)
    cache   = for each layer: cells x kv_heads x (key_length + value_length) x bytes of a number
    compute = batch x vocabulary x 4 x 1.02
    total   = file + cache + compute + 300 MiB of the runtime

The source is llama.cpp, which Ollama runs too: the cache was exact in six models measured, the compute buffer within
4 %. Plan to 85 % of what there is, and correct with what the backend reports.
"""

import re
from math import ceil
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

Cell = Literal["f16", "q8_0"]
BYTES: dict[Cell, tuple[int, int]] = {"f16": (2, 1), "q8_0": (34, 32)}
"""Bytes of one number in the cache, as a fraction: q8_0 keeps 32 numbers in 34 bytes."""

BATCH = 512
"""Tokens of a prompt that llama.cpp works on at once (`ubatch`)."""

RUNTIME = 300 * 2**20
"""What a loaded model takes beside its own: the context of the GPU, graphs, the process."""

SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([MGT])(i?)B?", re.IGNORECASE)
POWERS = {"M": 2, "G": 3, "T": 4}

Count = Annotated[int, Field(ge=1, le=100_000_000)]


def size_of(written: str) -> int:
    """Bytes: GB are 10^9 of them, GiB 2^30. Raises ValueError, one sentence."""
    found = SIZE.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"“{written}” is no size of memory; write it as in 4GB or 7.5GiB")
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** POWERS[found[2].upper()])


@dataclass(frozen=True, kw_only=True)
class Layers:
    """`count` layers of one kind. Lengths are numbers of a key and of a value in one head; a layer with a `window`
    looks back so many tokens only, one with 0 at the whole context. A layer without heads keeps no cache."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    kv_heads: Annotated[int, Field(ge=0, le=10_000)]
    key_length: Annotated[int, Field(ge=0, le=100_000)]
    value_length: Annotated[int, Field(ge=0, le=100_000)]
    window: Annotated[int, Field(ge=0, le=100_000_000)] = 0


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What of a model decides on its memory. `trained_tokens` is the longest context it was trained for."""

    layers: Annotated[tuple[Layers, ...], Field(min_length=1, max_length=10_000)]
    vocabulary: Count
    trained_tokens: Count
    file_bytes: Annotated[int, Field(ge=1, le=10**15)]


@dataclass(frozen=True, kw_only=True)
class Need:
    """The memory of a loaded model, part by part."""

    file: int
    cache: int
    compute: int
    runtime: int = RUNTIME

    @property
    def total(self) -> int:
        return self.file + self.cache + self.compute + self.runtime


def need(shape: Shape, context_tokens: int, parallel: int = 1, cell: Cell = "f16", batch: int = BATCH) -> Need:
    """What a model of that shape needs to serve `parallel` calls at once, each with `context_tokens` of its own."""
    numbers = sum(
        layers.count
        * _cells(layers, context_tokens, parallel, batch)
        * layers.kv_heads
        * (layers.key_length + layers.value_length)
        for layers in shape.layers
    )
    above, below = BYTES[cell]
    compute = ceil(batch * shape.vocabulary * 4 * 1.02)
    return Need(file=shape.file_bytes, cache=-(-numbers * above // below), compute=compute)


def _cells(layers: Layers, context_tokens: int, parallel: int, batch: int) -> int:
    whole = context_tokens * parallel
    return min(whole, layers.window * parallel + batch) if layers.window else whole
