"""The vector index can be lost; the database makes it again."""

from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select, update

from appliance.core.box import Box
from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.knowledge import actions, jobs, queries
from appliance.domains.knowledge.manifest import MANIFEST
from appliance.domains.knowledge.tables import Chunk, Corpus, DocumentVersion
from appliance.domains.knowledge.types import DocumentStatus
from appliance.inference.fake import FakeInference
from appliance.inference.types import Readiness
from tests.domains.knowledge.conftest import Put

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até {days} dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
ASKED = "em quantos dias posso trocar um produto sem defeito?"
Run = Callable[[], int]


def _weigh_vectors(box: Box, tenant_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Corpus).values(dense_weights={"pt": 0.5}, version=Corpus.version + 1))


def _held(box: Box, tenant_id: UUID) -> int:
    with box.unit(tenant_id, read_only=True) as uow:
        return len(uow.session.scalars(select(Chunk.id).where(Chunk.embedding.is_not(None))).all())


def _resume(box: Box) -> None:
    with box.whole_box("test") as uow:
        uow.session.execute(
            update(Delivery).where(Delivery.state == DeliveryState.LEASED)
            .values(state=DeliveryState.PENDING, lease_token=None, next_at=uow.now)
        )


def test_a_question_that_meets_a_lost_index_is_answered_by_words_and_brings_it_back(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, models: FakeInference,
) -> None:
    put("politica.md", RULES.format(days=30))
    _weigh_vectors(box, tenant_id)
    space = queries.vector_namespace(tenant_id)
    models.index_drop(space)
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text
    run_deliveries()
    assert models.index_stats(space).count == _held(box, tenant_id) > 0


def test_a_lost_index_is_found_even_when_nobody_asks(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, models: FakeInference,
) -> None:
    put("politica.md", RULES.format(days=30))
    space = queries.vector_namespace(tenant_id)
    models.index_drop(space)
    jobs.check_vectors(box)
    run_deliveries()
    assert models.index_stats(space).count == _held(box, tenant_id)


def test_an_index_that_lost_some_vectors_is_made_again(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, models: FakeInference,
) -> None:
    put("politica.md", RULES.format(days=30))
    space = queries.vector_namespace(tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        number = uow.session.scalars(select(Chunk.number)).first()
    models.index_remove(space, [number or 0])
    assert not queries.vectors_are_sound(box, tenant_id)
    jobs.check_vectors(box)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)


def test_a_document_indexed_while_the_index_is_missing_neither_fails_nor_begins_a_partial_one(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference,
) -> None:
    put("politica.md", RULES.format(days=30))
    space = queries.vector_namespace(tenant_id)
    models.index_drop(space)
    document_id = put("garantia.md", "# Garantia\n\nA garantia da bomba é de 18 meses.\n")
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.view_document(uow, document_id).status is DocumentStatus.PROCESSED
    assert models.index_stats(space).count == _held(box, tenant_id) == 2
    assert "18 meses" in actions.answer_question(box, tenant_id, "qual a garantia da bomba?").text


def test_another_embedder_embeds_every_document_again_and_resumes_when_killed(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, models: FakeInference, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for n in range(3):
        put(f"politica-{n}.md", RULES.format(days=30 + n))
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(DocumentVersion).values(embedding_model="another-model"))
        uow.session.execute(update(Chunk).values(embedding=np.zeros(8, np.float16).tobytes()))
    real = models.index_rebuild

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "index_rebuild", killed)
    jobs.check_vectors(box)
    with pytest.raises(KeyboardInterrupt):
        run_deliveries()
    assert models.index_stats(queries.vector_namespace(tenant_id)).state == "ready", "what answered goes on answering"
    monkeypatch.setattr(models, "index_rebuild", real)
    _resume(box)
    jobs.check_vectors(box)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert set(uow.session.scalars(select(DocumentVersion.embedding_model))) == {box.settings.models.embedding_model}
        assert {len(one or b"") for one in uow.session.scalars(select(Chunk.embedding))} == {768}


def test_a_document_deleted_while_it_is_embedded_ends_quietly(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = models.embed

    def embed(texts: list[str], **options: str) -> object:
        with box.unit(tenant_id) as uow:
            for view in queries.list_documents(uow).items:
                actions.delete_document(uow, view.id)
        return real(texts)

    monkeypatch.setattr(models, "embed", embed)
    put("politica.md", RULES.format(days=30))
    with box.unit(tenant_id, read_only=True) as uow:
        assert not uow.session.scalars(select(Chunk.id)).all()
        assert not uow.session.scalars(select(Delivery.id).where(Delivery.state.in_([DeliveryState.DEAD, DeliveryState.PENDING]))).all()


def test_every_document_is_read_again_in_slices(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("appliance.domains.knowledge.actions.documents.REINDEX_SLICE", 2)
    for n in range(5):
        put(f"politica-{n}.md", RULES.format(days=30 + n), run=n == 4)
    with box.unit(tenant_id) as uow:
        assert actions.reindex_all(uow) == 5
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert {(view.version, view.answering_version, view.status) for view in queries.list_documents(uow).items} == {
            (2, 2, DocumentStatus.PROCESSED)
        }


def test_looking_for_lost_indexes_holds_up_no_answer() -> None:
    """A model server that hangs is waited for: not by the workers that answer people."""
    assert [cron.queue for cron in MANIFEST.cron if cron.run is jobs.check_vectors] == ["slow"]


def test_a_model_server_that_is_not_ready_is_not_asked_for_its_indexes(
    box: Box, put: Put, models: FakeInference, monkeypatch: pytest.MonkeyPatch,
) -> None:
    put("politica.md", RULES.format(days=30))
    asked: list[str] = []
    monkeypatch.setattr(models, "index_stats", asked.append)
    monkeypatch.setattr(models, "ready", lambda: Readiness(ready=False, embedding_model="", chat_engine="none"))
    jobs.check_vectors(box)
    assert asked == []
