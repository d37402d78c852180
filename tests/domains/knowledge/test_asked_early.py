"""The model server is asked with what was known last, and the answer counts only if that still holds."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select, update

from appliance.core.box import Box
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.queries import search
from appliance.domains.knowledge.tables import Chunk, Corpus
from appliance.inference.fake import FakeInference
from appliance.inference.types import Allow, IndexHits, Inference, VectorIndex, Vectors
from tests.domains.knowledge.conftest import Put

ASKED = "qual o prazo de garantia da bomba?"
TEXT = "A garantia da bomba {name} vale por {months} meses.\n"


class Watched(FakeInference):
    def __init__(self) -> None:
        super().__init__()
        self.allowed: list[Allow | None] = []

    def begin_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> Callable[[], IndexHits]:
        self.allowed.append(allow)
        return super().begin_search(namespace, text=text, vector=vector, k=k, allow=allow)


@pytest.fixture
def watched(box: Box) -> Watched:
    found = Watched()
    box.provide(Inference, found)
    box.provide(VectorIndex, found)
    return found


def weigh_vectors(box: Box, tenant_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Corpus).values(dense_weights={"pt": 0.5}, version=Corpus.version + 1))


def found(box: Box, tenant_id: UUID) -> set[str]:
    retrieval = queries.retrieve(box, tenant_id, ASKED)
    assert retrieval.dense
    return {place.document_name for place in retrieval.places}


def test_a_question_right_after_a_change_counts_only_what_can_be_found_now(
    box: Box, tenant_id: UUID, put: Put, watched: Watched,
) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    gone = put("beta.md", TEXT.format(name="beta", months=9))
    weigh_vectors(box, tenant_id)
    assert found(box, tenant_id) == {"alfa.md", "beta.md"}
    watched.allowed.clear()
    assert found(box, tenant_id) == {"alfa.md", "beta.md"}
    assert len(watched.allowed) == 1, "nothing had changed"
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, gone)
    weigh_vectors(box, tenant_id)
    watched.allowed.clear()
    assert found(box, tenant_id) == {"alfa.md"}
    before, now = watched.allowed
    assert before != now, "asked again, of what is left"


def test_the_units_of_a_chunk_stay_sealed_until_it_is_answered_with(box: Box, tenant_id: UUID, put: Put, watched: Watched) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    with box.unit(tenant_id, read_only=True) as uow:
        row = uow.session.scalars(select(Chunk)).one()
        chunk, = search.read_chunks(uow, [row.number])
    assert b"garantia" not in chunk.sealed_units
    assert chunk.units == row.units
    assert len(watched.allowed) == 0
