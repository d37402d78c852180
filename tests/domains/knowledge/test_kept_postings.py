"""What earlier questions read stays in memory, and follows every change of the documents."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import event, text

from appliance.core.box import Box
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.queries import lexicon
from appliance.domains.knowledge.rules import words
from tests.domains.knowledge.conftest import Put

ASKED = "qual o prazo de garantia da bomba?"
TEXT = "A garantia da bomba {name} vale por {months} meses.\n"


def found(box: Box, tenant_id: UUID, asked: str = ASKED) -> set[str]:
    return {place.document_name for place in queries.retrieve(box, tenant_id, asked).places}


@contextmanager
def reads(box: Box) -> Iterator[list[str]]:
    """Statements that read postings."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM knowledge_postings" in statement:
            seen.append(statement)

    event.listen(box.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(box.database.engine, "before_cursor_execute", note)


def test_words_asked_before_are_not_read_again(box: Box, tenant_id: UUID, put: Put) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    assert found(box, tenant_id) == {"alfa.md"}
    with reads(box) as seen:
        assert found(box, tenant_id, "garantia da bomba, qual o prazo?") == {"alfa.md"}
    assert seen == []


@pytest.fixture
def sorted_as_a_brazilian_would(request: pytest.FixtureRequest, database_kind: str) -> Iterator[None]:
    """What an operator's database may have been created with. SQLite knows no such order."""
    if database_kind == "sqlite":
        yield
        return
    owner = request.getfixturevalue("postgresql_owner")
    change = 'ALTER TABLE knowledge_postings ALTER COLUMN term TYPE varchar(64) COLLATE "{}"'
    with owner.begin() as connection:
        connection.execute(text(change.format("pt-BR-x-icu")))
    yield
    with owner.begin() as connection:
        connection.execute(text(change.format("default")))


@pytest.mark.usefixtures("sorted_as_a_brazilian_would")
@pytest.mark.parametrize(("mistyped", "meant"), [("zelladoria", "zeladoria"), ("garatnia", "garantia")])
def test_a_mistyped_word_is_repaired_whatever_letter_it_begins_with(
    box: Box, tenant_id: UUID, put: Put, mistyped: str, meant: str,
) -> None:
    put("condominio.md", "A zeladoria atende das 8 às 17 horas.\n\nA garantia da bomba vale por 3 meses.\n")
    stem, asked = (words.stem(word, "pt") for word in (meant, mistyped))
    with box.unit(tenant_id, read_only=True) as uow:
        assert stem in lexicon.find_near(uow, [asked], queries.get_snapshot(uow))


def test_a_new_document_is_found_by_words_kept_from_before(box: Box, tenant_id: UUID, put: Put) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    found(box, tenant_id)
    put("beta.md", TEXT.format(name="beta", months=6))
    assert found(box, tenant_id) == {"alfa.md", "beta.md"}
    assert found(box, tenant_id, "garantia da bomba btea") == {"alfa.md", "beta.md"}


def test_a_deleted_document_is_gone_from_what_was_kept(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    gone = put("alfa.md", TEXT.format(name="alfa", months=3))
    put("beta.md", TEXT.format(name="beta", months=6))
    found(box, tenant_id)
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, gone)
    run_deliveries()
    assert found(box, tenant_id) == {"beta.md"}


def test_a_document_read_anew_answers_from_its_new_text(box: Box, tenant_id: UUID, put: Put) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    found(box, tenant_id)
    put("alfa.md", TEXT.format(name="alfa", months=9))
    assert ["9 meses" in place.text for place in queries.retrieve(box, tenant_id, ASKED).places] == [True]


def test_a_full_memory_forgets_the_words_asked_longest_ago(
    box: Box, tenant_id: UUID, put: Put, monkeypatch: pytest.MonkeyPatch,
) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    monkeypatch.setattr(lexicon, "KEPT_BYTES", 3 * lexicon.TERM_BYTES)
    assert found(box, tenant_id) == found(box, tenant_id) == {"alfa.md"}
    assert found(box, tenant_id, "meses alfa") == {"alfa.md"}


def test_an_older_view_of_the_corpus_neither_uses_nor_spoils_what_is_kept(box: Box, tenant_id: UUID, put: Put) -> None:
    put("alfa.md", TEXT.format(name="alfa", months=3))
    with box.unit(tenant_id, read_only=True) as uow:
        older = queries.get_snapshot(uow)
    put("beta.md", TEXT.format(name="beta", months=6))
    found(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(lexicon.find_entries(uow, ["garant"], older)["garant"]) == 1
    assert found(box, tenant_id) == {"alfa.md", "beta.md"}
