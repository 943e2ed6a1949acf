"""A language model of random weights, written by the tests: it speaks noise, and every JSON under a grammar.

A token is a byte, so that no text is beyond it. Quotes, brackets, letters and the end are likelier than the rest, so
that what a grammar allows to end does end.
"""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

WIDTH, LAYERS, HEADS, KV_HEADS, FORWARD = 32, 1, 2, 1, 64
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT = (
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LIKELY = {'"}],': 0.5, "0123456789abcdefghijklmnopqrstuvwxyz ": 0.2}


def write_tiny_model(path: Path, seed: int = 7, context: int = 262_144) -> None:
    """A GGUF file of 200 KB; the same seed gives the same model."""
    tokens = [*_bytes(), _bytes()[ord(" ")] + "t", *CONTROL]
    ids = {token: number for number, token in enumerate(tokens)}
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, context)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_token_types([control if token in CONTROL else normal for token in tokens])
    writer.add_token_merges([f"{_bytes()[ord(' ')]} t"])
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT)
    for name, tensor in _weights(ids, seed).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _bytes() -> list[str]:
    """GPT-2's letter for each byte: itself where it can be printed, else one from 256 on."""
    printed = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in printed]
    return [chr(byte) if byte in printed else chr(256 + hidden.index(byte)) for byte in range(256)]


def _describe(writer: gguf.GGUFWriter, context: int) -> None:
    head = WIDTH // HEADS
    writer.add_name("tiny-noise")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _weights(ids: dict[str, int], seed: int) -> dict[str, NDArray[np.float32]]:
    rng, kv = np.random.default_rng(seed), KV_HEADS * WIDTH // HEADS

    def random(rows: int, columns: int, scale: float = 0.05) -> NDArray[np.float32]:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)

    ones = np.ones(WIDTH, np.float32)
    tokens, output = random(len(ids), WIDTH, 0.5), random(len(ids), WIDTH, 0.25)
    tokens[:, 0] = 4.0  # carried unchanged through all layers to the output, which weighs it by token
    output[:, 0] = -0.6
    for characters, weight in LIKELY.items():
        output[[_bytes().index(_bytes()[ord(each)]) for each in characters], 0] = weight
    output[[ids[each] for each in CONTROL], 0] = (-3.0, -3.0, 0.35)
    made = {"token_embd": tokens, "output_norm": ones, "output": output}
    for layer in range(LAYERS):
        made |= {
            f"blk.{layer}.{name}": tensor
            for name, tensor in {
                "attn_norm": ones,
                "attn_q": random(WIDTH, WIDTH),
                "attn_k": random(kv, WIDTH),
                "attn_v": random(kv, WIDTH),
                "attn_output": random(WIDTH, WIDTH),
                "ffn_norm": ones,
                "ffn_gate": random(FORWARD, WIDTH),
                "ffn_up": random(FORWARD, WIDTH),
                "ffn_down": random(WIDTH, FORWARD),
            }.items()
        }
    return made
