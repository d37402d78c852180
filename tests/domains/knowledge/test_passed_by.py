"""A change while vectors are to lie elsewhere: the index of before lacks it, and is not trusted when it is met again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

import pytest
from sqlalchemy import delete as delete_rows
from sqlalchemy import select

from appliance.core.box import Box
from appliance.core.errors import Unavailable
from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.knowledge import actions, jobs, queries
from appliance.domains.knowledge.tables import Corpus
from appliance.inference.fake import FakeInference
from appliance.inference.types import IndexStats, VectorIndex
from tests.domains.knowledge.conftest import Put

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até 30 dias corridos.\n"


class Full(FakeInference):
    def index_rebuild(self, namespace: str, batches: object) -> NoReturn:
        raise Unavailable("There is no room.")


class Filled(Full):
    """With an index of long ago."""

    def index_add(self, namespace: str, ids: Sequence[int], **how: Any) -> IndexStats:
        super().index_add(namespace, [9001], texts=["old"], create=True)
        return replace(super().index_add(namespace, ids, **how), place="elsewhere")

    def index_remove(self, namespace: str, ids: Sequence[int]) -> IndexStats:
        super().index_add(namespace, [9001], texts=["old"], create=True)
        return replace(super().index_remove(namespace, ids), place="elsewhere")


def delete(box: Box, tenant_id: UUID, put: Put, document_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, document_id)


def add(box: Box, tenant_id: UUID, put: Put, document_id: UUID) -> None:
    put("frete.md", "# Frete\n\nO frete para Itu custa R$ 31,50.\n")


def exchange(*told: Any) -> None:
    """There are as many vectors as before."""
    delete(*told)
    add(*told)


@pytest.mark.parametrize("change", [delete, add, exchange])
@pytest.mark.parametrize("there", [Full, Filled])
def test_an_index_that_a_change_passed_by_is_made_again(
    box: Box, tenant_id: UUID, models: FakeInference, put: Put, run_deliveries: Callable[[], int],
    change: Callable[[Box, UUID, Put, UUID], None], there: Callable[[], FakeInference],
) -> None:
    put("trocas.md", RULES)
    document_id = put("garantia.md", "# Garantia\n\nA bomba tem garantia de nove meses.\n")
    space = queries.vector_namespace(tenant_id)
    version = models.index_stats(space).version
    box.provide(VectorIndex, there())
    change(box, tenant_id, put, document_id)
    run_deliveries()
    box.provide(VectorIndex, models)
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalar(select(Corpus.vectors_in)) == "?"
    assert (queries.vectors_are_sound(box, tenant_id), models.index_stats(space).version) == (False, version)
    with box.unit(tenant_id) as uow:  # what could not be rebuilt there is not waited for
        uow.session.execute(delete_rows(Delivery).where(Delivery.state != DeliveryState.DONE))
    jobs.check_vectors(box)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)
    assert models.index_stats(space).version > version
