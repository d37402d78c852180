"""A question that is offered for a trial is one that this agent answers."""

import io

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.errors import AgentNotFound
from appliance.domains.agents.schemas import AgentPatch, AgentSettings
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.knowledge import queries as documents
from appliance.domains.knowledge.tables import Query
from appliance.entrypoints import demo
from tests.statements import statements_of

GUIDE = "# Guia\n\n## À vista\n\nHá abatimento.\n\n## Visita técnica\n\nA visita técnica é gratuita e dura 40 minutos.\n"


@pytest.fixture
def put(box, tenant_id, run_deliveries):
    def upload(*files, **filing):
        for name, content in files:
            knowledge.upload_document(box, tenant_id, name, io.BytesIO(content), filing=knowledge.Filing(**filing))
        run_deliveries()

    return upload


@pytest.fixture
def aurora(put, make_agent):
    """Knows what the demo's agent knows."""
    put(*((path.name, path.read_bytes()) for path in sorted(demo.FOLDER.iterdir())))
    return make_agent()


def test_all_that_is_suggested_is_answered_when_clicked_in_a_row(box, tenant_id, aurora, says, thread, conversation, run_deliveries):
    suggested = agents.suggest_questions(box, tenant_id, aurora)
    assert len(suggested) == 4
    for question in suggested:
        talk = says(aurora, question)
        run_deliveries()
    said = thread(talk)
    assert [sender for sender, _ in said] == ["contact", "agent_ai"] * len(suggested)
    assert not any("Não encontrei" in text or "atendente" in text for _, text in said[1::2])
    assert conversation(talk).handling == "bot"


def test_what_the_documents_do_not_answer_is_not_suggested(box, tenant_id, put, make_agent):
    aurora = make_agent()
    assert agents.suggest_questions(box, tenant_id, aurora) == []
    put(("guia.md", GUIDE.encode()))
    assert agents.suggest_questions(box, tenant_id, aurora) == ["Pode me falar sobre visita técnica?"]


def test_what_calls_a_person_is_not_suggested(box, tenant_id, put, make_agent):
    put(("guia.md", GUIDE.encode()))
    assert agents.suggest_questions(box, tenant_id, make_agent(handoff={"keywords": ["visita técnica"]})) == []


def test_they_are_tried_anew_only_when_agent_or_documents_change(box, tenant_id, put, make_agent):
    put(("guia.md", GUIDE.encode()))
    aurora = make_agent()
    with statements_of(box) as first:
        suggested = agents.suggest_questions(box, tenant_id, aurora)
    with statements_of(box) as again:
        assert agents.suggest_questions(box, tenant_id, aurora) == suggested
    assert (any("chunks" in text for text, _ in first), any("chunks" in text for text, _ in again)) == (True, False)
    put(("desconto.md", "# Pagamento\n\n## Desconto\n\nO desconto é de 10% para pagamento por Pix.\n".encode()))
    with statements_of(box) as anew:
        assert suggested[0] in agents.suggest_questions(box, tenant_id, aurora)
    assert any("chunks" in text for text, _ in anew)
    with box.unit(tenant_id) as uow:
        now = AgentSettings(handoff={"keywords": ["desconto", "pagamento", "visita técnica"]})
        agents.change_agent(uow, aurora, AgentPatch(settings=now))
        agents.publish(uow, aurora)
    assert agents.suggest_questions(box, tenant_id, aurora) == []


def test_an_agent_is_offered_its_own_documents_and_nothing_is_kept(box, tenant_id, put, make_agent):
    mine, other = make_agent(), make_agent()
    put(("guia.md", GUIDE.encode()), agents=(mine,))
    assert agents.suggest_questions(box, tenant_id, mine)
    assert agents.suggest_questions(box, tenant_id, other) == []
    with pytest.raises(AgentNotFound):
        agents.suggest_questions(box, tenant_id, new_id())
    with box.unit(tenant_id, read_only=True) as uow:
        assert documents.list_gaps(uow).total == 0
        assert uow.session.scalars(select(Query)).all() == []
