# ruff: noqa: E501
"""From a file to an answer, step by step, on both databases."""

import io
import math
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from appliance.core.box import Box
from appliance.core.errors import NotFound, Refused
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.domains.knowledge import actions, queries, subscribers
from appliance.domains.knowledge.actions import calibrating, indexing
from appliance.domains.knowledge.rules.postings import unpack
from appliance.domains.knowledge.tables import Chunk, Posting
from appliance.domains.knowledge.types import DocumentStatus, GapStatus, Step
from appliance.inference.fake import FakeInference
from tests.domains.knowledge.conftest import Put

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até {days} dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
DAIRY = """# Queijaria São Roque

## Preços
O queijo meia-cura de 1 kg custa R$ 78,00. O queijo curado de 90 dias custa R$ 112,00 o quilo. O requeijão de raspa custa R$ 42,00 o pote de 500 g.

## Entrega
Entregamos em Belo Horizonte às terças e quintas. O frete é grátis acima de R$ 250,00. Para o resto do Brasil, por Sedex, com prazo de 3 a 5 dias úteis.

## Visita
A fazenda recebe visitas aos sábados, das 9h às 15h, com degustação por R$ 30,00 por pessoa. Fica na Estrada do Queijo, km 12.
"""
ASKED = "em quantos dias posso trocar um produto sem defeito?"


def test_an_uploaded_document_is_read_chunked_embedded_and_answers(box: Box, tenant_id: UUID, put: Put) -> None:
    document_id = put("politica.md", RULES.format(days=30))
    with box.unit(tenant_id, read_only=True) as uow:
        shown = queries.view_document(uow, document_id)
    assert (shown.status, shown.step, shown.progress, shown.processing_error) == (DocumentStatus.PROCESSED, Step.INDEXED, 100, None)
    answer = actions.answer_question(box, tenant_id, "quanto custa o frete para itu?")
    assert "R$ 31,50" in answer.text
    assert answer.answered
    assert [source.document_name for source in answer.sources] == ["politica.md"]


def test_the_old_version_answers_until_the_new_one_is_indexed(box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int]) -> None:
    put("politica.md", RULES.format(days=15))
    put("politica.md", RULES.format(days=45), run=False)
    assert "15 dias" in actions.answer_question(box, tenant_id, ASKED).text
    run_deliveries()
    answer = actions.answer_question(box, tenant_id, ASKED)
    assert "45 dias" in answer.text
    assert "15 dias" not in answer.text


def test_a_version_whose_reading_died_holds_up_no_newer_one_and_leaves_nothing_when_it_is_read_after_all(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int], models: FakeInference,
) -> None:
    document_id = put("politica.md", RULES.format(days=15), run=False)
    with box.unit(tenant_id) as uow:
        died = uow.session.scalars(select(Delivery)).one()
        died.state = DeliveryState.DEAD
    put("politica.md", RULES.format(days=45))
    assert "45 dias" in actions.answer_question(box, tenant_id, ASKED).text
    with box.unit(tenant_id) as uow:
        uow.session.get_one(Delivery, died.id).state = DeliveryState.PENDING
    run_deliveries()
    assert "45 dias" in actions.answer_question(box, tenant_id, ASKED).text
    with box.unit(tenant_id, read_only=True) as uow:
        older, newer = queries.list_versions(uow, document_id)
        assert older.status is DocumentStatus.PROCESSED
        assert set(uow.session.scalars(select(Chunk.version_id))) == {newer.id}
        kept = unpack(uow.session.scalars(select(Posting.packed)))["number"]
    assert set(kept.tolist()) <= set(range(newer.first_number, newer.last_number + 1))
    assert models.index_stats(queries.vector_namespace(tenant_id)).count == newer.last_number - newer.first_number + 1


def test_another_tenant_finds_nothing_of_ours(box: Box, tenant_id: UUID, other_tenant_id: UUID, put: Put) -> None:
    put("politica.md", RULES.format(days=30))
    assert not actions.answer_question(box, other_tenant_id, ASKED).answered
    assert not queries.retrieve(box, other_tenant_id, ASKED).places


def test_an_agent_answers_only_from_what_it_was_given(box: Box, tenant_id: UUID, put: Put) -> None:
    mine, other = new_id(), new_id()
    put("politica.md", RULES.format(days=30), agents=(mine,))
    assert actions.answer_question(box, tenant_id, ASKED, agent_id=mine).answered
    assert not actions.answer_question(box, tenant_id, ASKED, agent_id=other).answered


def test_a_deleted_document_leaves_no_words_vectors_or_file(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int], models: FakeInference,
) -> None:
    document_id = put("politica.md", RULES.format(days=30))
    with box.unit(tenant_id) as uow:
        blob_id = queries.newest_version(uow, queries.get_document(uow, document_id)).blob_id
        actions.delete_document(uow, document_id)
    run_deliveries()
    assert not actions.answer_question(box, tenant_id, ASKED).answered
    assert models.index_stats(queries.vector_namespace(tenant_id)).count == 0
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, blob_id)


def test_a_broken_file_ends_failed_with_a_sentence(box: Box, tenant_id: UUID, put: Put) -> None:
    document_id = put("contrato.pdf", b"%PDF-1.7\nthis is no pdf at all")
    with box.unit(tenant_id, read_only=True) as uow:
        shown = queries.view_document(uow, document_id)
    assert shown.status is DocumentStatus.FAILED
    assert shown.processing_error
    assert shown.processing_error.endswith(".")


def test_an_empty_file_is_refused_at_the_door(put: Put) -> None:
    with pytest.raises(Refused):
        put("nada.txt", b"")


def test_a_worker_killed_between_batches_embeds_only_what_was_not_written_down(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int], models: FakeInference, monkeypatch: pytest.MonkeyPatch,
) -> None:
    again: list[object] = []
    real, batched = models.embed, subscribers.indexing._batch

    def embed(texts: list[str], **options: str) -> object:
        if "A regra 0 do item 0 " not in texts[0]:
            raise KeyboardInterrupt
        return real(texts)

    long = "\n\n".join(f"# Parte {n}\n\n" + " ".join(f"A regra {n} do item {m} vale por {m} dias." for m in range(60)) for n in range(70))
    monkeypatch.setattr(models, "embed", embed)
    with pytest.raises(KeyboardInterrupt):
        put("longo.md", long)
    with box.unit(tenant_id, read_only=True) as uow:
        version = queries.newest_version(uow, queries.find_document_by_name(uow, "longo.md"))
        missing, total = queries.count_unembedded(uow, version.id), version.last_number - version.first_number + 1
    monkeypatch.setattr(subscribers.indexing, "_batch", lambda step, batch: (again.extend(batch), batched(step, batch))[1])
    monkeypatch.setattr(models, "embed", real)
    with box.whole_box("test") as uow:
        _give_back_leases(uow)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_documents(uow).items[0].status is DocumentStatus.PROCESSED
    assert len(again) == missing == total - subscribers.indexing.EMBED_BATCH


def _give_back_leases(uow: object) -> None:
    from sqlalchemy import update

    from appliance.core.outbox import Delivery, DeliveryState

    uow.session.execute(
        update(Delivery).where(Delivery.state == DeliveryState.LEASED).values(state=DeliveryState.PENDING, lease_token=None, next_at=uow.now)
    )


STAGES = ["run_extraction", "_counter", "_batch", "_add_vectors"]


@pytest.mark.parametrize("dying", STAGES)
@pytest.mark.parametrize("reading_is_kept", [True, False])
def test_a_worker_killed_at_any_stage_goes_on_where_it_stood(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int], monkeypatch: pytest.MonkeyPatch, dying: str, *, reading_is_kept: bool,
) -> None:
    done: list[str] = []

    def watched(name: str, *, killed: bool) -> Callable[..., object]:
        real = getattr(subscribers.indexing, name)

        def call(*given: object, **named: object) -> object:
            if killed:
                raise KeyboardInterrupt
            done.append(name)
            return real(*given, **named)
        return call

    monkeypatch.setattr(subscribers.indexing, "KEPT_FROM_S", 0.0 if reading_is_kept else math.inf)
    with monkeypatch.context() as patched:
        for name in STAGES:
            patched.setattr(subscribers.indexing, name, watched(name, killed=name == dying))
        with pytest.raises(KeyboardInterrupt):
            put("politica.md", RULES.format(days=30))
    before = STAGES[:STAGES.index(dying)]
    assert done == before
    for name in STAGES:
        monkeypatch.setattr(subscribers.indexing, name, watched(name, killed=False))
    with box.whole_box("test") as uow:
        _give_back_leases(uow)
    run_deliveries()
    goes_on_from = 3 if dying == "_add_vectors" else int(reading_is_kept and dying != "run_extraction")
    assert done == before + STAGES[goes_on_from:]
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text


def test_the_same_question_is_answered_from_memory_until_the_corpus_changes(box: Box, tenant_id: UUID, put: Put) -> None:
    put("politica.md", RULES.format(days=30))
    first = actions.answer_question(box, tenant_id, ASKED)
    again = actions.answer_question(box, tenant_id, ASKED)
    assert (again.text, again.sources) == (first.text, first.sources)
    assert again.query_id != first.query_id


def test_an_unanswered_question_becomes_a_gap_that_a_person_can_fill(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    put("politica.md", RULES.format(days=30))
    for text in ("vocês alugam bicicleta?", "alugam bicicleta vocês?"):
        assert not actions.answer_question(box, tenant_id, text).answered
    with box.unit(tenant_id, read_only=True) as uow:
        gaps = queries.list_gaps(uow)
    assert [(gap.times, gap.status) for gap in gaps.items] == [(2, GapStatus.OPEN)]
    actions.fill_gap(box, tenant_id, gaps.items[0].id, "Alugamos bicicleta por R$ 25,00 a hora.")
    run_deliveries()
    answer = actions.answer_question(box, tenant_id, "vocês alugam bicicleta?")
    assert "R$ 25,00" in answer.text
    assert answer.sources[0].document_name == gaps.items[0].question, "a source is named by the file it is kept in"
    with box.unit(tenant_id, read_only=True) as uow:
        assert gaps.items[0].question in {found.name for found in queries.list_documents(uow).items}


def test_a_model_that_invents_a_figure_is_not_repeated(box: Box, tenant_id: UUID, put: Put) -> None:
    from appliance.inference.types import Inference

    put("politica.md", RULES.format(days=30))
    box.provide(Inference, FakeInference(lambda _messages: "O frete para Itu custa R$ 99,00 [1]."))
    answer = actions.answer_question(box, tenant_id, "quanto custa o frete para itu?")
    assert "99,00" not in answer.text
    assert "31,50" in answer.text


def test_a_stuck_step_is_failed_with_a_sentence(box: Box, tenant_id: UUID, put: Put) -> None:
    document_id = put("politica.md", RULES.format(days=30), run=False)
    with box.unit(tenant_id) as uow:
        version = queries.newest_version(uow, queries.get_document(uow, document_id))
        indexing.fail_version(uow, version.id, "Reading stopped.")
        assert queries.view_document(uow, document_id).status is DocumentStatus.FAILED


def test_the_api_uploads_lists_asks_and_shows_sources(client: FlaskClient, run_deliveries: Callable[[], int]) -> None:
    import io

    sent = client.post("/api/v1/documents/upload", data={"file": (io.BytesIO(RULES.format(days=30).encode()), "politica.md")})
    assert sent.status_code == 201, sent.get_json()
    assert sent.get_json()["filename"] == "politica.md"
    run_deliveries()
    assert client.get("/api/v1/documents?q=polit").get_json()["total"] == 1
    asked = client.post("/api/v1/rag/query", json={"query": ASKED})
    assert asked.status_code == 200, asked.get_json()
    answer = asked.get_json()
    assert answer["answered"]
    sources = client.get(f"/api/v1/rag/sources/{answer['query_id']}").get_json()["sources"]
    assert [one["document_name"] for one in sources] == ["politica.md"]
    streamed = client.post("/api/v1/rag/query", json={"query": ASKED, "stream": True}).get_data(as_text=True)
    assert "event: delta" in streamed
    assert "event: done" in streamed
    assert client.get(f"/api/v1/documents/{sent.get_json()['id']}/chunks").get_json()["total"] >= 1
    assert client.get(f"/api/v1/documents/{sent.get_json()['id']}/file").data == RULES.format(days=30).encode()


def test_the_first_document_is_announced_when_the_box_knows_what_chance_scores_in_it(
    box: Box, tenant_id: UUID, put: Put, monkeypatch: pytest.MonkeyPatch, run_deliveries: Callable[[], int],
) -> None:
    monkeypatch.setattr("appliance.domains.knowledge.subscribers.calibrating._measure", lambda _step: None)
    put("garantia.md", "# Garantia\n\nA garantia do inversor é de 10 anos.\n")
    assert actions.answer_question(box, tenant_id, "qual a garantia do inversor?").answered
    with box.unit(tenant_id, read_only=True) as uow:
        assert not queries.list_gaps(uow).items
    put("garantia.md", "# Garantia\n\nA garantia do inversor é de 12 anos.\n", run=False)
    run_deliveries()
    assert "12 anos" in actions.answer_question(box, tenant_id, "qual a garantia do inversor?").text


@pytest.mark.parametrize("measured_meanwhile", [False, True])
def test_a_worker_killed_while_it_measured_the_first_document_begins_that_step_again(
    box: Box, tenant_id: UUID, put: Put, monkeypatch: pytest.MonkeyPatch, run_deliveries: Callable[[], int], *, measured_meanwhile: bool,
) -> None:
    def killed(*_given: object) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("appliance.domains.knowledge.queries.measure_threshold", killed)
        with pytest.raises(KeyboardInterrupt):
            put("politica.md", RULES.format(days=30))
    if measured_meanwhile:
        with box.unit(tenant_id) as uow:
            calibrating.record_threshold(uow, 0.1)
    with box.whole_box("test") as uow:
        _give_back_leases(uow)
    run_deliveries()
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_documents(uow).items[0].status is DocumentStatus.PROCESSED
        stems = [unpack([packed])["number"].tolist() for packed in uow.session.scalars(select(Posting.packed))]
    assert stems
    assert all(len(numbers) == len(set(numbers)) for numbers in stems)


def test_the_very_same_file_is_not_read_again_and_the_sender_is_told(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    document_id = put("politica.md", RULES.format(days=30))
    same = actions.take_document(box, tenant_id, "politica.md", io.BytesIO(RULES.format(days=30).encode()))
    assert (same.document_id, same.version, same.is_new) == (document_id, 1, False)
    other = actions.take_document(box, tenant_id, "politica.md", io.BytesIO(RULES.format(days=40).encode()))
    assert (other.version, other.is_new) == (2, True)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert [version.number for version in queries.list_versions(uow, document_id)] == [1, 2]


def test_a_file_that_could_not_be_read_may_be_sent_again(box: Box, tenant_id: UUID, put: Put) -> None:
    put("contrato.pdf", b"%PDF-1.7\nthis is no pdf at all")
    assert actions.take_document(box, tenant_id, "contrato.pdf", io.BytesIO(b"%PDF-1.7\nthis is no pdf at all")).version == 2


def test_a_table_whose_quotation_never_ends_is_refused_with_its_line(box: Box, tenant_id: UUID, put: Put) -> None:
    document_id = put("frete.csv", 'cidade;frete\nItu;"31,50\nSalto;20,00\nCampinas;25,00\n')
    with box.unit(tenant_id, read_only=True) as uow:
        shown = queries.view_document(uow, document_id)
    assert shown.status is DocumentStatus.FAILED
    assert "line 2 " in (shown.processing_error or "")


def test_documents_that_arrive_together_are_measured_once_after_the_last(
    box: Box, tenant_id: UUID, put: Put, monkeypatch: pytest.MonkeyPatch, run_deliveries: Callable[[], int],
) -> None:
    measured: list[UUID] = []
    monkeypatch.setattr(queries, "measure_dense_weights", lambda _box, tenant, _snapshot: measured.append(tenant) or {})
    for number in range(3):
        put(f"politica-{number}.md", RULES.format(days=30 + number), run=False)
    put("quebrado.pdf", b"%PDF-1.7\nthis is no pdf at all", run=False)
    run_deliveries()
    assert measured == [tenant_id]


def test_documents_that_waited_for_one_that_is_deleted_are_measured_then(
    box: Box, tenant_id: UUID, put: Put, monkeypatch: pytest.MonkeyPatch, run_deliveries: Callable[[], int],
) -> None:
    measured: list[object] = []
    monkeypatch.setattr("appliance.domains.knowledge.subscribers.calibrating._measure", measured.append)
    slow = put("demorado.md", RULES.format(days=90), run=False)
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(state=DeliveryState.DEAD))
    put("politica.md", RULES.format(days=30))
    assert measured == []
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, slow)
    run_deliveries()
    assert len(measured) == 1


def test_a_copy_of_a_document_makes_its_answers_no_less_sure(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    put("queijaria.md", DAIRY)
    alone = _confidence(box, tenant_id)
    copy = put("cópia.md", DAIRY + "\n")
    assert _confidence(box, tenant_id) == pytest.approx(alone, abs=0.05)
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, copy)
        measured = queries.get_snapshot(uow).version
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_snapshot(uow).version > measured
    assert _confidence(box, tenant_id) == pytest.approx(alone, abs=0.05)


def _confidence(box: Box, tenant_id: UUID) -> float:
    return actions.answer_question(box, tenant_id, "quanto custa o requeijão?").confidence


def test_a_short_document_is_not_read_back_before_its_switch(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    """Many files at once cost what their units cost."""
    put("primeiro.md", RULES.format(days=15))
    document_id = put("politica.md", RULES.format(days=30), run=False)
    reads: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        reads.append(statement)

    event.listen(box.database.engine, "before_cursor_execute", note)
    try:
        run_deliveries()
    finally:
        event.remove(box.database.engine, "before_cursor_execute", note)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.view_document(uow, document_id).status is DocumentStatus.PROCESSED
        told = [row.payload["progress"] for row in uow.session.scalars(select(OutboxRow).where(OutboxRow.name == "document.progressed"))]
    assert not [one for one in reads if one.startswith("SELECT chunks.number, chunks.embedding FROM chunks WHERE chunks.version_id = ")]
    assert told == [0, 0]
