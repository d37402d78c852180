"""What the simulator offers to ask comes from the documents."""

from uuid import UUID

from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.rules import suggesting
from tests.domains.knowledge.conftest import Put

HANDBOOK = "# Manual\n\n## 1. Consultas\n\nA consulta custa R$ 165,00.\n\n## 2. Banho e tosa\n\nO banho custa R$ 62,00.\n"
FAQ = "<h1>Dúvidas</h1><h3>Vocês atendem coelhos?</h3><p>Sim, às quintas.</p>"


def test_questions_and_headings_of_the_documents_are_suggested(box: Box, tenant_id: UUID, put: Put) -> None:
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.suggest_questions(uow, None) == []
    put("manual.md", HANDBOOK)
    put("duvidas.html", FAQ)
    with box.unit(tenant_id, read_only=True) as uow:
        assert set(queries.suggest_questions(uow, None)) == {"Consultas?", "Banho e tosa?", "Vocês atendem coelhos?"}


def test_an_agent_is_asked_of_its_own_documents_alone(box: Box, tenant_id: UUID, put: Put) -> None:
    mine, other = new_id(), new_id()
    put("manual.md", HANDBOOK, agents=(mine,))
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.suggest_questions(uow, mine, limit=1) == ["Consultas?"]
        assert queries.suggest_questions(uow, other) == []


def test_documents_take_turns_and_questions_come_before_headings() -> None:
    first = [["Guia", "2.1 Horários"], ["Guia", "Quanto custa o retorno?"], ["Guia", "2.1 Horários"]]
    second = [["Lista", "Capítulo III - Limite e prazo"], ["Lista", "ok"], ["Lista", "Vale o que diz a última tabela."]]
    assert suggesting.suggestions([first, second], 4) == ["Quanto custa o retorno?", "Limite e prazo?", "Horários?"]
