from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.core import files
from appliance.core.box import Box
from appliance.domains.knowledge import actions, subscribers
from tests.domains.knowledge.conftest import Put


def test_of_a_document_deleted_while_it_is_read_nothing_is_kept(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int], monkeypatch: pytest.MonkeyPatch,
) -> None:
    document_id = put("politica.md", "# Trocas\n\nA troca é aceita em até 30 dias corridos.\n", run=False)
    read = subscribers.indexing.run_extraction

    def read_slowly(*given: Any) -> object:
        found = read(*given)
        with box.unit(tenant_id) as uow:
            actions.delete_document(uow, document_id)
        return found

    monkeypatch.setattr(subscribers.indexing, "KEPT_FROM_S", 0.0)
    monkeypatch.setattr(subscribers.indexing, "run_extraction", read_slowly)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(files.StoredFile.id)).all() == []
