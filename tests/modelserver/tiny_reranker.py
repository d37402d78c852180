"""A cross-encoder of four operations in place of a trained model."""

import base64
import json
import shutil
from pathlib import Path

from tests.modelserver.running import ROOT

NAME = "tiny-reranker"
# logits = mean over the pair of (token id where the token belongs to the document, else 0) / 10000
GRAPH = (
    "CAg6/gEKIwoJaW5wdXRfaWRzCg50b2tlbl90eXBlX2lkcxIBbSIDTXVsChcKAW0SAWYiBENhc3QqCQoCdG8YAaABAgonCgFmCgJheBIBciIKUmVkdWNl"
    "TWVhbioPCghrZWVwZGltcxgBoAECChMKAXIKAWsSBmxvZ2l0cyIDRGl2EgF0KhIIARAHQgJheEoIAQAAAAAAAAAqCxABQgFrSgQAQBxGWh0KCWlucHV0"
    "X2lkcxIQCg4IBxIKCgMSAWIKAxIBdFoiCg50b2tlbl90eXBlX2lkcxIQCg4IBxIKCgMSAWIKAxIBdGIZCgZsb2dpdHMSDwoNCAESCQoDEgFiCgIIAUIE"
    "CgAQEg=="
)


def install(models: Path) -> None:
    folder = models / NAME
    folder.mkdir()
    (folder / "model.onnx").write_bytes(base64.b64decode(GRAPH))
    shutil.copy(ROOT / "models/starter/minilm-l6-v2-int8/tokenizer.json", folder)
    about = {"name": NAME, "task": "rerank", "engine": "onnx", "max_tokens": 64}
    (folder / "model.json").write_text(json.dumps(about))
