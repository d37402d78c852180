"""What the simulator offers to ask comes from the documents."""

from uuid import UUID

from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.rules import suggesting
from tests.domains.knowledge.conftest import Put

HANDBOOK = "# Manual\n\n## 1. Consultas\n\nA consulta custa R$ 165,00.\n\n## 2. Banho e tosa\n\nO banho custa R$ 62,00.\n"
FAQ = "<h1>Dúvidas</h1><h3>Vocês atendem coelhos?</h3><p>Sim, às quintas.</p>"


def test_questions_and_headings_of_the_documents_are_suggested_as_a_customer_says_them(box: Box, tenant_id: UUID, put: Put) -> None:
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.suggest_questions(uow, None) == []
    manual, faq = put("manual.md", HANDBOOK), put("duvidas.html", FAQ)
    with box.unit(tenant_id, read_only=True) as uow:
        assert {one.question: one.document_id for one in queries.suggest_questions(uow, None)} == {
            "Pode me falar sobre consultas?": manual, "Pode me falar sobre banho e tosa?": manual, "Vocês atendem coelhos?": faq,
        }


def test_an_agent_is_asked_of_its_own_documents_alone(box: Box, tenant_id: UUID, put: Put) -> None:
    mine, other = new_id(), new_id()
    put("manual.md", HANDBOOK, agents=(mine,))
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.question for one in queries.suggest_questions(uow, mine, limit=1)] == ["Pode me falar sobre consultas?"]
        assert queries.suggest_questions(uow, other) == []


def test_documents_take_turns_and_questions_come_before_headings() -> None:
    first = [["Guia", "2.1 Horários da loja"], ["Guia", "Quanto custa o retorno?"], ["Guia", "2.1 Horários da loja"]]
    second = [["List", "Chapter III - Cancellation terms"], ["List", "ok"], ["List", "The last list is the one that counts."]]
    assert suggesting.suggestions([("pt", first), ("en", second)], 4) == [
        ("Quanto custa o retorno?", 0), ("Can you tell me about cancellation terms?", 1), ("Pode me falar sobre horários da loja?", 0),
    ]


def test_a_heading_that_names_no_thing_is_no_question() -> None:
    headings = ("À vista", "Prazo", "Como agendar a visita", "Entrega em Belo Horizonte", "Sem juros", "Kit Solar")
    paths = [["Guia", heading] for heading in headings]
    assert [question for question, _ in suggesting.suggestions([("pt", paths)], 9)] == [
        "Como agendar a visita?", "Pode me falar sobre entrega em Belo Horizonte?", "Pode me falar sobre Kit Solar?",
    ]
