"""Cross-encoders: how well a passage answers a query, read together. There is no substitute when none is installed."""

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from modelserver.embedding import by_length, open_session, open_tokenizer, pad
from modelserver.shelf import Installed


class Reranker(Protocol):
    def scores(self, query: str, documents: Sequence[str]) -> list[float]:
        """0 to 1, in the order of the documents."""
        ...


class OnnxReranker:
    def __init__(self, model: Installed, *, threads: int) -> None:
        self._max_tokens = int(model.config.get("max_tokens", 512))
        self._pad = int(model.config.get("pad_id", 0))
        self._tokenizer = open_tokenizer(model.path / "tokenizer.json")
        self._tokenizer.enable_truncation(self._max_tokens, strategy="longest_first")
        self._session = open_session(model.path / str(model.config.get("file", "model.onnx")), threads)
        self._inputs = {node.name for node in self._session.get_inputs()}

    def scores(self, query: str, documents: Sequence[str]) -> list[float]:
        encoded = self._tokenizer.encode_batch([(query, document) for document in documents])
        found = np.zeros(len(encoded))
        for rows in by_length([len(one.ids) for one in encoded]):
            found[rows] = self._logits([encoded[row] for row in rows])
        return [float(score) for score in 1 / (1 + np.exp(-found))]

    def _logits(self, encoded: Sequence[Any]) -> Any:
        ids, mask = pad([one.ids for one in encoded], self._pad)
        kinds, _ = pad([one.type_ids for one in encoded], 0)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        logits = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        return logits.reshape(len(encoded), -1)[:, -1]


def best_first(scores: Sequence[float], most: int | None) -> list[tuple[int, float]]:
    ranked = sorted(enumerate(scores), key=lambda pair: -pair[1])
    return list(itertools.islice(ranked, most))
