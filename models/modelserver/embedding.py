"""Text to vectors: ONNX files through onnxruntime, or a sentence-transformers folder when that package is there."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from modelserver import problems
from modelserver.shelf import Installed

Vectors = npt.NDArray[np.float32]
Purpose = Literal["query", "passage"]
BATCH_TEXTS = 32
BATCH_TOKENS = 512  # measured: 256 to 512 is fastest a token, and a question waits for one such batch at most
_CHARS_PER_TOKEN = 40
MATRICES = "medium"  # oneDNN multiplies: a quarter less processor on AMD, the same to 2e-7; a chip with AMX may round to bfloat16
SLOW_FUSIONS = ["SkipLayerNormFusion"]  # on a CPU the fused kernel takes five times what the addition and the norm it replaces take


@dataclass(frozen=True)
class Batch:
    """Texts of similar length, embedded in one go; `positions` says where they stood in the request."""

    positions: list[int]
    texts: list[str]
    ids: list[list[int]]


@dataclass(frozen=True)
class Tokens:
    """`offsets` are character spans, one per token, without the markers a model adds."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Embedder(Protocol):
    name: str
    dim: int
    max_tokens: int

    def tokenise(self, texts: Sequence[str]) -> list[Tokens]: ...

    def prepare(self, texts: Sequence[str], purpose: Purpose) -> list[Batch]: ...

    def embed(self, batch: Batch) -> Vectors:
        """Unit-length rows, in the order of the batch."""
        ...


class OnnxEmbedder:
    """Several threads may use it at once; each run keeps to its own."""

    def __init__(self, model: Installed) -> None:
        config = model.config
        self.name = model.name
        self.dim = int(config["dim"])
        self.max_tokens = int(config.get("max_tokens", 256))
        self._first_token_only = config.get("pooling") == "cls"
        self._pad = int(config.get("pad_id", 0))
        self._prefix = {"query": str(config.get("query_prefix", "")), "passage": str(config.get("passage_prefix", ""))}
        self._tokenizer = open_tokenizer(model.path / "tokenizer.json")
        self._session = open_session(model.path / str(config.get("file", "model.onnx")), 1)
        self._inputs = {node.name for node in self._session.get_inputs()}

    def tokenise(self, texts: Sequence[str]) -> list[Tokens]:
        return [Tokens(e.ids, e.offsets) for e in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def prepare(self, texts: Sequence[str], purpose: Purpose) -> list[Batch]:
        longest = self.max_tokens * _CHARS_PER_TOKEN
        encoded = self._tokenizer.encode_batch_fast([self._prefix[purpose] + text[:longest] for text in texts])
        ids = [cut(one.ids, self.max_tokens) for one in encoded]
        groups = by_length([len(one) for one in ids])
        return [Batch(rows, [texts[row] for row in rows], [ids[row] for row in rows]) for rows in groups]

    def embed(self, batch: Batch) -> Vectors:
        ids, mask = pad(batch.ids, self._pad)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        if self._first_token_only:
            return unit(hidden[:, 0])
        weights = mask[..., None].astype(np.float32)
        return unit((hidden * weights).sum(axis=1) / weights.sum(axis=1))


class SentenceTransformersEmbedder:
    """Any folder saved by sentence-transformers. Brings in PyTorch: seconds to load, hundreds of megabytes.

    Several threads may use it at once, each run on its own: beside each other they cost less than threads that share one.
    """

    def __init__(self, model: Installed) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        try:
            import sentence_transformers  # heavy, and an extra
            import torch
        except ImportError as err:
            sentence = f"{model.name} needs the package sentence-transformers, which is not installed on this box."
            raise problems.absent("engine_missing", sentence) from err
        torch.set_num_threads(1)
        torch.set_float32_matmul_precision(MATRICES)
        self._inference_mode = torch.inference_mode
        self._model: Any = sentence_transformers.SentenceTransformer(str(model.path), device="cpu").eval()
        self._tokenising = threading.Lock()  # each way of cutting texts is set on the one tokenizer
        self.name = model.name
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 256)
        self._prefix = prefixes(model)

    def tokenise(self, texts: Sequence[str]) -> list[Tokens]:
        with self._tokenising:
            found = self._model.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, truncation=False)
        return [Tokens(ids, spans) for ids, spans in zip(found["input_ids"], found["offset_mapping"], strict=True)]

    def prepare(self, texts: Sequence[str], purpose: Purpose) -> list[Batch]:
        lengths = [min(len(text) // 4 + 1, self.max_tokens) for text in texts]
        return [Batch(rows, [self._prefix[purpose] + texts[row] for row in rows], []) for rows in by_length(lengths)]

    def embed(self, batch: Batch) -> Vectors:
        with self._tokenising:
            features = self._model.preprocess(batch.texts)
        with self._inference_mode():
            return unit(self._model(features)["sentence_embedding"].float().numpy())


def load(model: Installed) -> Embedder:
    """Raises Problem when the engine is unknown or its package is absent."""
    if model.engine == "onnx":
        return OnnxEmbedder(model)
    if model.engine == "sentence-transformers":
        return SentenceTransformersEmbedder(model)
    raise problems.refused("engine_unknown", f"{model.name} asks for the embedding engine {model.engine!r}, which does not exist.")


def prefixes(model: Installed) -> dict[Purpose, str]:
    """What some models want written before a question or a passage."""
    return {"query": str(model.config.get("query_prefix", "")), "passage": str(model.config.get("passage_prefix", ""))}


def open_session(file: Path, threads: int) -> Any:
    import onnxruntime  # a box that idles does not pay for it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS)


def open_tokenizer(file: Path) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cut(ids: list[int], most: int) -> list[int]:
    """Keep the beginning and the end marker."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def pad(rows: Sequence[Sequence[int]], filler: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Token ids and the mask of real tokens, both (rows, longest)."""
    lengths = np.array([len(row) for row in rows])
    mask = (np.arange(lengths.max())[None, :] < lengths[:, None]).astype(np.int64)
    ids = np.full(mask.shape, filler, dtype=np.int64)
    ids[mask.astype(bool)] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return ids, mask


def by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Group positions so that little padding is computed and no batch exceeds its token budget."""
    groups: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        group = groups[-1] if groups else None
        if group is None or len(group) == BATCH_TEXTS or (len(group) + 1) * lengths[position] > BATCH_TOKENS:
            groups.append([position])
        else:
            group.append(position)
    return groups


def unit(rows: npt.NDArray[np.floating[Any]]) -> Vectors:
    found = np.ascontiguousarray(rows, dtype=np.float32)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    scaled: Vectors = found / np.maximum(norms, 1e-12)
    return scaled
