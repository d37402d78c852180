"""The starter embedder in this process, with exact search: what the model server does, without its socket."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from appliance.core.i18n import lazy_gettext as _
from appliance.inference.errors import IndexMissing
from appliance.inference.fake import FakeInference
from appliance.inference.types import Allow, Halves, IndexHit, IndexHits, IndexStats, Purpose, Tokens, Vectors
from modelserver.embedding import Embedder, load
from modelserver.shelf import Shelf

STARTER = Path(__file__).parents[2] / "models/starter"


class LocalModels(FakeInference):
    def __init__(self) -> None:
        super().__init__()
        installed = Shelf(STARTER).installed()
        self._embedder: Embedder = load(installed[0], threads=2)
        self._ids: dict[str, list[int]] = {}
        self._rows: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        del model
        rows = np.zeros((len(texts), self._embedder.dim), np.float32)
        for batch in self._embedder.prepare(texts, purpose):
            rows[batch.positions] = self._embedder.embed(batch)
        return rows

    def count_tokens(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        del offsets
        return [Tokens(len(one.ids)) for one in self._embedder.tokenise(texts)]

    def index_add(
        self, namespace: str, ids: Sequence[int], *, texts: Sequence[str] | None = None, vectors: Vectors | Halves | None = None,
        create: bool = False,
    ) -> IndexStats:
        del create
        rows = np.asarray(vectors, np.float32) if vectors is not None else self.embed(texts or ())
        self._ids[namespace] = [*self._ids.get(namespace, []), *ids]
        before = self._rows.get(namespace)
        self._rows[namespace] = rows if before is None else np.vstack([before, rows])
        return IndexStats(namespace, "ready", 1, len(self._ids[namespace]), self._embedder.name, self._embedder.dim)

    def index_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> IndexHits:
        del allow
        if namespace not in self._rows:
            raise IndexMissing(_("This index does not exist; build it from the stored embeddings."))
        query = self.embed([text], purpose="query")[0] if text is not None else np.asarray(vector, np.float32)
        scores = self._rows[namespace] @ query
        best = np.argsort(-scores, kind="stable")[:k]
        return IndexHits(tuple(IndexHit(self._ids[namespace][place], float(scores[place])) for place in best), 1)
