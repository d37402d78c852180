"""A half-megabyte llama with random weights, so that tests run a real chat model without shipping one."""

from pathlib import Path

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, KV_HEADS, FEED_FORWARD, CONTEXT = 2, 64, 4, 2, 128, 32_768
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")
PIECES = ("▁", *map(chr, range(33, 127)), *"áâãàéêíóôõúçÁÉÍÓÚÇ", "▁de", "de", "▁a", "ão", "os", "as", "em", "▁o", "▁e", "▁que", "qu", "que")


def write(target: Path, seed: int = 0, *, endless: bool = False) -> Path:
    """`endless` makes the end marker too unlikely to be drawn, for tests that need a long answer."""
    writer = gguf.GGUFWriter(str(target), "llama")
    size = _write_vocabulary(writer)
    _write_shape(writer, size)
    _write_weights(writer, size, np.random.default_rng(seed), endless=endless)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _write_vocabulary(writer: gguf.GGUFWriter) -> int:
    kind = gguf.TokenType
    rows = [("<unk>", kind.UNKNOWN), *((word, kind.CONTROL) for word in CONTROL)]
    rows += [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    rows += [(piece, kind.NORMAL) for piece in PIECES]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([word.encode() for word, _ in rows])
    writer.add_token_scores([-float(at) if which is kind.NORMAL else 0.0 for at, (_, which) in enumerate(rows)])
    writer.add_token_types([int(which) for _, which in rows])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)  # otherwise a grammar cannot start right after <|im_start|>assistant
    writer.add_chat_template(CHATML)
    return len(rows)


def _write_shape(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    writer.add_name("tiny-random-llama")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _write_weights(writer: gguf.GGUFWriter, vocabulary: int, random: np.random.Generator, *, endless: bool) -> None:
    def matrix(name: str, rows: int, columns: int, spread: float | None = None) -> None:
        scale = spread if spread is not None else columns**-0.5
        made = (random.standard_normal((rows, columns)) * scale).astype(np.float32)
        if endless and rows == vocabulary:
            made[:, 0] = 20 if name == "token_embd" else 0
            made[: len(CONTROL) + 1, 0] += -50 if name == "output" else 0
        writer.add_tensor(f"{name}.weight", made)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    narrow = KV_HEADS * WIDTH // HEADS
    matrix("token_embd", vocabulary, WIDTH, 1.0)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        norm(block + "attn_norm")
        norm(block + "ffn_norm")
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH), ("attn_k", narrow, WIDTH), ("attn_v", narrow, WIDTH), ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", FEED_FORWARD, WIDTH), ("ffn_up", FEED_FORWARD, WIDTH), ("ffn_down", WIDTH, FEED_FORWARD),
        ):
            matrix(block + name, rows, columns)
    norm("output_norm")
    matrix("output", vocabulary, WIDTH)
