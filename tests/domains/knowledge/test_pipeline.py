"""From a file to an answer, step by step, on both databases."""

from uuid import UUID

from appliance.core.box import Box
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.types import DocumentStatus, Step
from tests.domains.knowledge.conftest import Put

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até {days} dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"


def test_an_uploaded_document_is_read_chunked_embedded_and_answers(box: Box, tenant_id: UUID, put: Put) -> None:
    document_id = put("politica.md", RULES.format(days=30))
    with box.unit(tenant_id, read_only=True) as uow:
        shown = queries.view_document(uow, document_id)
    assert (shown.status, shown.step, shown.progress, shown.processing_error) == (DocumentStatus.PROCESSED, Step.INDEXED, 100, None)
    answer = actions.answer_question(box, tenant_id, "quanto custa o frete para itu?")
    assert "R$ 31,50" in answer.text
    assert answer.answered
    assert [source.document_name for source in answer.sources] == ["politica.md"]
