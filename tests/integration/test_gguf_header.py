"""GGUF files as the reference writer writes them, and as strangers might."""

import struct
from pathlib import Path
from typing import Any

import gguf
import pytest

from adapters.llm.gguf_header import MOST, UnreadableModel, shape_in
from adapters.llm.shapes import UNTOLD, shape_of
from domain.memory import Layers
from tests.tiny_models import HEADS, KV_HEADS, LAYERS, WIDTH, write_tiny_model

QWEN3: dict[str, Any] = {
    "general.architecture": "qwen3",
    "qwen3.block_count": 36,
    "qwen3.context_length": 40_960,
    "qwen3.embedding_length": 2_560,
    "qwen3.attention.head_count": 32,
    "qwen3.attention.head_count_kv": 8,
    "qwen3.attention.key_length": 128,
    "qwen3.attention.value_length": 128,
    "tokenizer.ggml.tokens": None,
}
"""As Ollama's /api/show tells it: long lists are left out."""


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def header(*pairs: bytes, magic: bytes = b"GGUF", version: int = 3, count: int | None = None) -> bytes:
    return magic + struct.pack("<IQQ", version, 0, len(pairs) if count is None else count) + b"".join(pairs)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def test_the_shape_of_a_written_file_is_the_one_it_was_written_with(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_model(path, context=4_096)
    shape = shape_in(path)
    head = WIDTH // HEADS
    assert shape.layers == (Layers(count=LAYERS, kv_heads=KV_HEADS, key_length=head, value_length=head),)
    assert (shape.vocabulary, shape.trained_tokens) == (256 + 1 + 3, 4_096)
    assert shape.file_bytes == path.stat().st_size


def test_a_file_whose_tokens_come_first_is_read_to_what_describes_the_model(tmp_path: Path) -> None:
    path = tmp_path / "late.gguf"
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_token_list([f"token {n}" for n in range(5_000)])
    writer.add_token_scores([0.0] * 5_000)
    writer.add_context_length(32_768)
    writer.add_block_count(26)
    writer.add_embedding_length(1_152)
    writer.add_head_count(4)
    writer.add_head_count_kv(1)
    writer.add_key_length(256)
    writer.add_value_length(256)
    writer.add_sliding_window(512)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    shape = shape_in(path)
    assert shape.vocabulary == 5_000
    assert {(each.count, each.window) for each in shape.layers} == {(22, 512), (4, 0)}


def test_heads_and_windows_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    path = tmp_path / "mixed.gguf"
    writer = gguf.GGUFWriter(path, "granitehybrid")
    writer.add_context_length(8_192)
    writer.add_block_count(4)
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv([0, 0, 2, 0])
    writer.add_vocab_size(1_000)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert {(each.count, each.kv_heads) for each in shape_in(path).layers} == {(3, 0), (1, 2)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it ends in the middle"),
        (b"PK\x03\x04" + bytes(100), "does not begin with GGUF"),
        (header(version=1), "version is 1"),
        (struct.pack(">4sI", b"GGUF", 3) + bytes(16), "version is"),
        (header(count=10**12), "claims 1,000,000,000,000 values"),
        (header(count=3), "it ends in the middle"),
        (header(struct.pack("<Q", 2**63)), "it ends in the middle"),
        (header(pair("a", 99, b"")), "unknown type 99"),
        (header(pair("a", 9, struct.pack("<IQ", 4, 2**62))), "it ends in the middle"),
        (header(pair("a", 9, struct.pack("<IQ", 8, 2**60))), "it ends in the middle"),
        (header(pair("a", 9, struct.pack("<IQ", 9, 1))), "unknown type 9"),
        (header(pair("a", 0, b"\1"), pair("a", 0, b"\1")), "stands there twice"),
        (header(pair("general.type", 8, text("adapter"))), "no language model"),
        (header(pair("general.architecture", 8, text("clip"))), "no language model"),
        (
            header(
                pair("general.architecture", 8, text("llama")),
                pair("llama.block_count", 4, struct.pack("<I", 2**32 - 1)),
            ),
            "block_count",
        ),
        (header(pair("split.count", 2, struct.pack("<H", 3))), "one part of 3"),
    ],
)
def test_a_file_that_is_broken_or_hostile_is_refused_in_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(UnreadableModel) as refused:
        shape_in(path)
    sentence = str(refused.value)
    assert said in sentence and str(path) in sentence and sentence.endswith(".") and "\n" not in sentence


def test_a_real_file_cut_anywhere_in_its_header_is_refused_or_read_right(tmp_path: Path) -> None:
    whole = tmp_path / "whole.gguf"
    write_tiny_model(whole)
    data, shape = whole.read_bytes(), shape_in(whole)
    for end in range(0, 2_000, 7):
        try:
            assert shape_in(written(tmp_path, data[:end])).layers == shape.layers
        except UnreadableModel:
            continue


def test_no_more_than_a_few_megabytes_are_read_of_a_file_that_goes_on(tmp_path: Path) -> None:
    endless = pair("a", 9, struct.pack("<IQ", 8, 1_000_000)) + text("") * 1_000_000
    path = written(tmp_path, header(endless))
    assert path.stat().st_size > MOST
    with pytest.raises(UnreadableModel, match="first 4,000,000 bytes"):
        shape_in(path)


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match=r"cannot be read: No such file or directory\."):
        shape_in(tmp_path / "nothing.gguf")
    with pytest.raises(UnreadableModel, match="cannot be read: Is a directory"):
        shape_in(tmp_path)


def test_what_ollama_shows_gives_the_same_shape() -> None:
    shape = shape_of(QWEN3, 2_500_000_000)
    assert shape.layers == (Layers(count=36, kv_heads=8, key_length=128, value_length=128),)
    assert (shape.vocabulary, shape.trained_tokens, shape.file_bytes) == (UNTOLD, 40_960, 2_500_000_000)
    assert shape_of({**QWEN3, "qwen3.vocab_size": 151_936}, 1).vocabulary == 151_936


def test_without_lengths_the_heads_share_the_width_of_the_model() -> None:
    about = {key: value for key, value in QWEN3.items() if "_length" not in key or "attention" not in key}
    assert shape_of(about, 1).layers[0].key_length == 2_560 // 32


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"general.architecture": None}, "no language model"),
        ({"qwen3.context_length": "long"}, "context_length"),
        ({"qwen3.context_length": 0}, "beyond any language model"),
        ({"qwen3.attention.head_count_kv": [8, 8]}, "number of its layers"),
        ({"qwen3.attention.key_length": True}, "attention.key_length"),
    ],
)
def test_numbers_without_sense_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        shape_of({**QWEN3, **changed}, 1)
