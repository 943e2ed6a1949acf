"""The shape of a model, from what its GGUF file or Ollama's `/api/show` says of it: both use GGUF's names.

The names are those of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; which layers of an architecture have a
window is llama.cpp's (`set_swa_pattern`), because older files do not say it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.memory import Layers, Shape

EVERY = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "gptoss": 2, "cohere2": 4}
"""Of architectures with windows: every so manieth layer has none."""

UNTOLD = 262_144
"""The vocabulary where none is told, as Ollama tells none of some: a large one, so that no need is too small."""

VOCABULARY = "tokenizer.ggml.tokens"


def shape_of(about: Mapping[str, Any], file_bytes: int) -> Shape:
    """`about` are the keys and values of a GGUF header; for an array that was not read, its length. Raises ValueError,
    one sentence, where they describe no language model."""
    architecture = about.get("general.architecture")
    if not isinstance(architecture, str) or f"{architecture}.block_count" not in about:
        raise ValueError("it describes no language model")
    found = _Told(about, architecture)
    try:
        return Shape(
            layers=_layers(found),
            vocabulary=_vocabulary(about, found),
            trained_tokens=found.number("context_length"),
            file_bytes=file_bytes,
        )
    except ValueError as error:
        said = str(error) if str(error).startswith("its ") else "its numbers are beyond any language model"
        raise ValueError(said) from None


class _Told:
    """The values of one architecture, by their short names."""

    def __init__(self, about: Mapping[str, Any], architecture: str) -> None:
        self._about, self._architecture = about, architecture

    def number(self, name: str, otherwise: int | None = None) -> int:
        value = self._about.get(f"{self._architecture}.{name}", otherwise)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
            raise ValueError(f"its {name} is missing or no sensible number")
        return value

    def each(self, name: str, count: int, otherwise: Sequence[int] | None = None) -> list[int]:
        """One for each layer, from one number or from a list."""
        value = self._about.get(f"{self._architecture}.{name}", otherwise)
        if isinstance(value, (list, tuple)):
            if len(value) != count or not all(isinstance(n, int) and 0 <= n <= 10**6 for n in value):
                raise ValueError(f"its {name} does not fit the number of its layers")
            return [int(n) for n in value]
        return [self.number(name)] * count

    def pattern(self, count: int) -> list[bool]:
        """Which layers have a window."""
        told = self._about.get(f"{self._architecture}.attention.sliding_window_pattern")
        if isinstance(told, (list, tuple)) and len(told) == count:
            return [bool(n) for n in told]
        every = EVERY.get(self._architecture, 1)
        return [n % every < every - 1 for n in range(count)]


def _layers(found: _Told) -> tuple[Layers, ...]:
    count = found.number("block_count")
    if not 1 <= count <= 1_000:
        raise ValueError("its block_count is missing or no sensible number")
    heads = found.each("attention.head_count", count)
    kv_heads = found.each("attention.head_count_kv", count, heads)
    usual = found.number("embedding_length") // max(1, *heads)
    key = found.number("attention.key_length", usual)
    value = found.number("attention.value_length", usual)
    window = found.number("attention.sliding_window", 0)
    windows = [window if limited else 0 for limited in found.pattern(count)]
    kinds = [(n, window) for n, window in zip(kv_heads, windows, strict=True)]
    return tuple(
        Layers(count=kinds.count(kind), kv_heads=kind[0], key_length=key, value_length=value, window=kind[1])
        for kind in dict.fromkeys(kinds)
    )


def _vocabulary(about: Mapping[str, Any], found: _Told) -> int:
    tokens = about.get(VOCABULARY)
    if isinstance(tokens, (list, tuple)):
        tokens = len(tokens)
    if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0:
        return tokens
    return found.number("vocab_size", UNTOLD) or UNTOLD
