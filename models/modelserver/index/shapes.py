"""The two shapes of an index: exact while it is small, clustered (IVF) when reading everything becomes slow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]
WANTED_RECALL = 0.97
_CHECKED_QUERIES = 100
_CHECKED_NEIGHBOURS = 10
_TRAINING_PER_LIST = 50
_FEW = 0.1
_WIDEST_BITMAP = 1 << 24


@dataclass(frozen=True)
class Contents:
    """All of an index. `lists` and `centroids` are set for a clustered one: the list of each row, and their centres."""

    ids: Ids
    rows: Rows
    lists: npt.NDArray[np.int32] | None = None
    centroids: Rows | None = None
    probes: int = 0


class Shape(Protocol):
    kind: str

    def add(self, ids: Ids, rows: Rows) -> None: ...

    def remove(self, ids: Ids) -> None: ...

    def search(self, row: Rows, count: int, allowed: Ids | None) -> tuple[Rows, Ids]:
        """Scores (cosine of unit rows) and ids, best first; `allowed` None means all."""
        ...

    def contents(self) -> Contents: ...


class Flat:
    kind = "flat"

    def __init__(self, dim: int) -> None:
        import faiss  # loaded with the first index

        self._faiss: Any = faiss
        self._rows = faiss.IndexFlatIP(dim)
        self._index = faiss.IndexIDMap2(self._rows)

    def add(self, ids: Ids, rows: Rows) -> None:
        self._index.add_with_ids(rows, ids)

    def remove(self, ids: Ids) -> None:
        self._index.remove_ids(self._faiss.IDSelectorBatch(ids))

    def search(self, row: Rows, count: int, allowed: Ids | None) -> tuple[Rows, Ids]:
        chosen = None if allowed is None else self._faiss.SearchParameters(sel=selector(allowed))
        scores, ids = self._index.search(row[None, :], count, params=chosen)
        return scores[0], ids[0]

    def contents(self) -> Contents:
        rows = self._rows.reconstruct_n(0, self._rows.ntotal)
        return Contents(self._faiss.vector_to_array(self._index.id_map), rows)


class Clustered:
    kind = "ivf"

    def __init__(self, dim: int, centroids: Rows, probes: int) -> None:
        import faiss

        self._faiss: Any = faiss
        self._quantiser = faiss.IndexFlatIP(dim)
        self._quantiser.add(centroids)
        self._index = faiss.IndexIVFFlat(self._quantiser, dim, len(centroids), faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained = True
        self._index.nprobe = probes
        self._dim = dim

    def add(self, ids: Ids, rows: Rows) -> None:
        self._index.add_with_ids(rows, ids)

    def add_listed(self, ids: Ids, rows: Rows, lists: npt.NDArray[np.int32]) -> None:
        """Add rows whose clusters are known from before."""
        listed = lists.astype(np.int64)
        swig = self._faiss.swig_ptr
        self._index.add_core(len(ids), swig(rows), swig(ids), swig(listed))

    def remove(self, ids: Ids) -> None:
        self._index.remove_ids(self._faiss.IDSelectorBatch(ids))

    def search(self, row: Rows, count: int, allowed: Ids | None) -> tuple[Rows, Ids]:
        """Too few near the question, because what is allowed lies far from it: every cluster is looked at."""
        chosen = None if allowed is None else selector(allowed)
        scores, ids = self._searched(row, count, self._index.nprobe if allowed is None else self._probes_for(allowed), chosen)
        return (scores, ids) if ids[-1] >= 0 else self._searched(row, count, self._index.nlist, chosen)

    def _searched(self, row: Rows, count: int, probes: int, chosen: Any) -> tuple[Rows, Ids]:
        scores, ids = self._index.search(row[None, :], count, params=self._faiss.SearchParametersIVF(nprobe=probes, sel=chosen))
        return scores[0], ids[0]

    def _probes_for(self, allowed: Ids) -> int:
        """A small permitted set may lie in any cluster: look in all, which is cheap because most rows are skipped."""
        few = len(allowed) < _FEW * self._index.ntotal
        return int(self._index.nlist) if few else min(int(self._index.nlist), 4 * int(self._index.nprobe))

    def contents(self) -> Contents:
        ids, rows, lists = [], [], []
        inverted: Any = self._index.invlists
        for number in range(self._index.nlist):
            size = inverted.list_size(number)
            if size:
                ids.append(self._faiss.rev_swig_ptr(inverted.get_ids(number), size).copy())
                codes = self._faiss.rev_swig_ptr(inverted.get_codes(number), size * self._dim * 4)
                rows.append(codes.view(np.float32).reshape(size, self._dim).copy())
                lists.append(np.full(size, number, dtype=np.int32))
        centroids = self._quantiser.reconstruct_n(0, self._index.nlist)
        if not ids:
            nothing = np.empty((0, self._dim), np.float32)
            return Contents(np.empty(0, np.int64), nothing, np.empty(0, np.int32), centroids, self._index.nprobe)
        return Contents(np.concatenate(ids), np.concatenate(rows), np.concatenate(lists), centroids, self._index.nprobe)


def selector(allowed: Ids) -> Any:
    """`allowed` is sorted. A set of a hundred thousand ids takes longer to make than the search; a bitmap does not."""
    import faiss

    bits = int(allowed[-1]) + 1
    if bits > _WIDEST_BITMAP or allowed[0] < 0:
        return faiss.IDSelectorBatch(allowed)
    bitmap: Any = faiss.IDSelectorBitmap  # the array form is added at run time
    chosen = np.zeros(bits, np.bool_)
    chosen[allowed] = True
    return bitmap(np.packbits(chosen, bitorder="little"))


def restore(dim: int, contents: Contents) -> Shape:
    if contents.centroids is None or contents.lists is None:
        flat = Flat(dim)
        flat.add(contents.ids, contents.rows)
        return flat
    clustered = Clustered(dim, contents.centroids, contents.probes)
    clustered.add_listed(contents.ids, contents.rows, contents.lists)
    return clustered


def cluster(dim: int, contents: Contents) -> tuple[Clustered, float] | None:
    """Train on a sample and probe as few clusters as the wanted recall allows; None when half of them would not do."""
    import faiss

    count = len(contents.ids)
    lists = max(1, min(4096, 1 << round(np.log2(3.2 * np.sqrt(count)))))
    chosen = np.random.default_rng(0).permutation(count)
    sample = contents.rows[chosen[: lists * _TRAINING_PER_LIST]]
    trained = faiss.Kmeans(dim, lists, niter=8, spherical=True, seed=1, max_points_per_centroid=_TRAINING_PER_LIST)
    trained.train(sample)
    assert trained.centroids is not None
    clustered = Clustered(dim, trained.centroids, 1)
    clustered.add(contents.ids, contents.rows)
    queries = contents.rows[chosen[:_CHECKED_QUERIES]]
    _, best = faiss.knn(queries, contents.rows, _CHECKED_NEIGHBOURS, metric=faiss.METRIC_INNER_PRODUCT)
    truth = contents.ids[best]
    for probes in _steps(lists):
        clustered._index.nprobe = probes  # noqa: SLF001 - our own class's
        found = np.stack([clustered.search(query, _CHECKED_NEIGHBOURS, None)[1] for query in queries])
        recall = float(np.mean([len(np.intersect1d(a, b)) / _CHECKED_NEIGHBOURS for a, b in zip(truth, found, strict=True)]))
        if recall >= WANTED_RECALL:
            return clustered, recall
    return None


def _steps(lists: int) -> Sequence[int]:
    return [probes for probes in (8, 16, 32, 64, 128, 256, 512, 1024) if probes <= max(8, lists // 2)]
