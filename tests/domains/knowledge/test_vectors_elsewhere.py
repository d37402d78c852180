"""A box whose vectors lie in PostgreSQL: documents come, are found, go, and an organisation is erased; the watch notices what is lost."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, delete, make_url, select, text, update

from appliance.core.box import Box
from appliance.core.config import NetworkMode
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import Unavailable
from appliance.core.manifest import CheckResult, Manifest
from appliance.core.outbox import Delivery
from appliance.core.tenancy import TenantKey
from appliance.domains.identity import actions as identity
from appliance.domains.knowledge import actions, jobs, queries
from appliance.domains.knowledge.manifest import MANIFEST
from appliance.domains.knowledge.tables import Corpus
from appliance.entrypoints.boot import vector_index
from appliance.entrypoints.domains import MANIFESTS
from appliance.inference.fake import FakeInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import VectorIndex
from appliance.inference.vector_database import VectorDatabase
from tests.cast import make_cast
from tests.domains.knowledge.conftest import Put
from tests.inference.pgvectors import until
from tests.peers.postgres_vectors import PostgresVectors

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até 30 dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
ASKED = "em quantos dias posso trocar um produto sem defeito?"
Run = Callable[[], int]


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    return MANIFESTS


@pytest.fixture(autouse=True)
def vectors(box: Box, models: FakeInference, url: str) -> Iterator[PgVectors]:
    named = box.settings.knowledge.model_copy(update={"vectors_url": url})
    box.settings = box.settings.model_copy(update={"knowledge": named})
    found = vector_index(box, models)
    assert isinstance(found, PgVectors)
    box.provide(VectorIndex, found)
    yield found
    found.close()


def weigh_vectors(box: Box, tenant_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Corpus).values(dense_weights={"pt": 0.5}, version=Corpus.version + 1))


def health(box: Box) -> CheckResult:
    return next(check for check in MANIFEST.checks if check.name == "vectors").run(box)


def test_a_document_is_found_by_its_vectors_until_it_is_deleted(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, vectors: PgVectors,
) -> None:
    document_id = put("politica.md", RULES)
    space = queries.vector_namespace(tenant_id)
    count = vectors.index_stats(space).count
    assert count > 0
    assert queries.vectors_are_sound(box, tenant_id)
    weigh_vectors(box, tenant_id)
    found = queries.retrieve(box, tenant_id, ASKED)
    assert found.dense
    assert found.places[0].document_name == "politica.md"
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text
    put("outra.md", "# Garantia\n\nA garantia da bomba vale por nove meses.\n")
    assert vectors.index_stats(space).count > count
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, document_id)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)
    assert {place.document_name for place in queries.retrieve(box, tenant_id, ASKED).places} <= {"outra.md"}


def test_the_watch_makes_a_lost_index_again_from_the_database(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, vectors: PgVectors, server: PostgresVectors, url: str
) -> None:
    put("politica.md", RULES)
    space = queries.vector_namespace(tenant_id)
    count = vectors.index_stats(space).count
    with server.ruling_at(url) as connection:
        connection.execute(text("DROP SCHEMA salesedge CASCADE"))
    jobs.check_vectors(box)
    run_deliveries()
    assert vectors.index_stats(space).count == count
    with server.ruling_at(url) as connection:
        connection.execute(text("UPDATE salesedge.vector_indexes SET secret_check = 'another'"))
    weigh_vectors(box, tenant_id)
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text, "words alone, while nothing there fits"
    run_deliveries()
    assert vectors.index_stats(space).count == count
    assert len(server.tables(url)) == 1
    weigh_vectors(box, tenant_id)
    assert queries.retrieve(box, tenant_id, ASKED).dense


def lie_at(box: Box, url: str, index: VectorIndex) -> None:
    """As the processes of a box begin that was given another setting."""
    named = box.settings.knowledge.model_copy(update={"vectors_url": url})
    box.settings = box.settings.model_copy(update={"knowledge": named})
    box.provide(VectorIndex, index)


def test_nodes_that_write_the_address_differently_leave_each_others_index_alone(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, vectors: PgVectors, models: FakeInference, url: str
) -> None:
    space = queries.vector_namespace(tenant_id)
    put("politica.md", RULES)
    lie_at(box, f"{url}&application_name=node2", models)
    other = vector_index(box, models)  # closed with the box
    weigh_vectors(box, tenant_id)
    version = vectors.index_stats(space).version
    for node in (other, vectors):
        box.provide(VectorIndex, node)
        assert queries.retrieve(box, tenant_id, ASKED).dense
        jobs.check_vectors(box)
        run_deliveries()
        assert node.index_stats(space).version == version


def test_a_box_that_names_the_database_of_another_is_refused_and_drops_nothing_there(
    box: Box, tenant_id: UUID, put: Put, vectors: PgVectors, models: FakeInference, server: PostgresVectors, url: str
) -> None:
    put("politica.md", RULES)
    VectorDatabase(url, owner=box.keys.pseudonym).version(1)
    elsewhere = server.new_database()
    others = PgVectors(VectorDatabase(elsewhere, owner="f" * 32), models, embedding_model="fake", share_of=lambda _name: b"k" * 32)
    others.index_add(f"t-{uuid4().hex}:knowledge", [1], texts=["theirs"], create=True)
    tables = server.tables(elsewhere)
    lie_at(box, elsewhere, vectors)
    box.provide(VectorIndex, vector_index(box, models))
    jobs.drop_ownerless_vectors(box)
    jobs.check_vectors(box)
    assert server.tables(elsewhere) == tables
    said = health(box)
    assert (said.ok, said.needed) == (False, True)
    assert said.fix.startswith("The database in knowledge.vectors_url belongs to another box: name one of this box's own, or drop")
    assert len(others.index_namespaces()) == 1
    others.close()


def test_an_owner_does_not_read_which_machine_may_not_be_called(box: Box, tenant_id: UUID, put: Put, models: FakeInference) -> None:
    network = box.settings.network.model_copy(update={"mode": NetworkMode.SEALED})
    box.settings = box.settings.model_copy(update={"network": network})
    lie_at(box, "postgresql+psycopg://vectors:geheim@8.8.8.8/vectors", models)
    box.provide(VectorIndex, vector_index(box, models))
    put("politica.md", RULES)
    with box.unit(tenant_id) as uow:
        said = set(uow.session.scalars(select(Delivery.last_error).where(Delivery.last_error.is_not(None))))
    assert said == {"The vectors cannot be reached at the moment. Try again shortly."}
    assert health(box).fix.startswith("This box is sealed: it may not call 8.8.8.8.")


def test_its_connections_are_closed_with_the_box(box: Box, vectors: PgVectors, server: PostgresVectors, url: str) -> None:
    """By `Box.close_too`."""

    def connections() -> int:
        wanted = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
        with server.ruling() as engine, engine.connect() as connection:
            return int(connection.scalar(wanted, {"name": make_url(url).database}) or 0)

    assert vectors.index_namespaces() == []
    assert connections() > 0
    box.close()
    until(lambda: connections() == 0)


def test_an_index_of_before_is_not_asked_after_going_elsewhere_and_back(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, vectors: PgVectors, models: FakeInference, url: str
) -> None:
    space, homes = queries.vector_namespace(tenant_id), [("", models), (url, vectors)]
    put("politica.md", RULES)
    for place, index in [*homes, *homes]:
        lie_at(box, place, index)
        weigh_vectors(box, tenant_id)
        old = index.index_stats(space).count
        assert not queries.vectors_are_sound(box, tenant_id), "even where as many lie there as should"
        found = queries.retrieve(box, tenant_id, ASKED)
        assert (found.dense, found.vectors_lost) == (False, True)
        jobs.check_vectors(box)
        run_deliveries()
        assert queries.vectors_are_sound(box, tenant_id)
        weigh_vectors(box, tenant_id)
        assert queries.retrieve(box, tenant_id, ASKED).dense
        assert index.index_stats(space).count == old or not old


def test_a_restore_leaves_no_index_of_after_the_backup_that_counts_as_sound(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run
) -> None:
    put("politica.md", RULES)
    assert queries.vectors_are_sound(box, tenant_id)
    with box.whole_box("test") as uow:
        actions.forget_vectors_in(uow.session.connection())
    assert not queries.vectors_are_sound(box, tenant_id)
    jobs.check_vectors(box)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)


def test_while_the_database_is_away_words_answer_documents_wait_and_the_health_page_says_so(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Run, vectors: PgVectors, server: PostgresVectors
) -> None:
    put("politica.md", RULES)
    weigh_vectors(box, tenant_id)
    assert health(box).ok
    assert health(box).detail.startswith("pgvector 0.8")
    server.kill()
    try:
        assert "30 dias" in actions.answer_question(box, tenant_id, ASKED).text
        said = health(box)
        assert (said.ok, said.needed) == (False, True)
        assert said.fix.startswith("The database of the vectors does not answer. Look at knowledge.vectors_url")
        jobs.check_vectors(box)
    finally:
        server.start()
    assert queries.vectors_are_sound(box, tenant_id)
    assert queries.retrieve(box, tenant_id, ASKED).dense


def test_an_organisation_that_is_erased_takes_its_vectors_along(
    box: Box, put: Put, models: FakeInference, vectors: PgVectors, server: PostgresVectors, url: str
) -> None:
    cast = make_cast(box)
    for owner in (cast.ana.tenant_id, cast.carla.tenant_id):
        put("politica.md", RULES, owner=owner)
    assert len(server.tables(url)) == 2
    theirs = queries.vector_namespace(cast.carla.tenant_id)
    models.index_add(theirs, [1], texts=["of before the setting"], create=True)
    certificate = identity.erase_tenant(box, cast.carla.tenant_id, namespaces=[theirs])
    assert certificate["indexes"] == ["deleted"]
    assert models.index_stats(theirs).state == "missing"
    assert len(server.tables(url)) == 1
    with pytest.raises(KeyUnreadable):
        vectors.index_stats(theirs)
    assert vectors.index_stats(queries.vector_namespace(cast.ana.tenant_id)).count > 0


def test_an_erasure_without_the_database_says_what_stays_and_the_chore_drops_it(
    box: Box, put: Put, vectors: PgVectors, server: PostgresVectors, url: str
) -> None:
    cast = make_cast(box)
    for owner in (cast.ana.tenant_id, cast.carla.tenant_id):
        put("politica.md", RULES, owner=owner)
    server.kill()
    try:
        told = identity.erase_tenant(box, cast.carla.tenant_id, namespaces=[queries.vector_namespace(cast.carla.tenant_id)])
    finally:
        server.start()
    (said,) = told["indexes"]
    assert said.startswith("not deleted yet: what keeps it is away or busy.")
    assert len(server.tables(url)) == 2
    jobs.drop_ownerless_vectors(box)
    assert len(server.tables(url)) == 1
    assert vectors.index_namespaces() == [queries.vector_namespace(cast.ana.tenant_id)]


def test_the_chore_goes_on_past_a_name_it_cannot_read_and_one_that_it_cannot_drop(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, vectors: PgVectors, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("politica.md", RULES)
    mine = queries.vector_namespace(tenant_id)
    ownerless = [queries.vector_namespace(UUID(int=number)) for number in range(3)]
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in ("a-note", "t-note:knowledge", *ownerless):
            connection.execute(text(
                f"INSERT INTO salesedge.vector_indexes SELECT '{name}', version, 'v_gone', count, model, dim, is_approximate, "
                f"secret_check, tried_at FROM salesedge.vector_indexes WHERE namespace = '{mine}'"
            ))  # fmt: skip
    engine.dispose()

    def away(_namespace: str) -> None:
        raise Unavailable("the model server is away")

    monkeypatch.setattr(models, "index_drop", away)
    jobs.drop_ownerless_vectors(box)
    assert set(vectors.index_namespaces()) == {"a-note", "t-note:knowledge", mine}


def test_a_destroyed_key_leaves_a_table_that_answers_nobody(box: Box, tenant_id: UUID, put: Put, vectors: PgVectors) -> None:
    put("politica.md", RULES)
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == tenant_id))
    box.keys.forget(tenant_id)
    with pytest.raises(KeyUnreadable):
        vectors.index_search(queries.vector_namespace(tenant_id), text=ASKED)
