"""The question box of the knowledge page: the answer grows as it is written and ends with its sources."""

import io
import threading

import pytest
from playwright.sync_api import expect

from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.knowledge import actions
from appliance.inference.fake import FakeInference
from appliance.inference.types import ChatResult, Inference

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
RULES = b"# Trocas\n\nA troca de produto sem defeito e aceita em ate 30 dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
FIRST, SECOND = "O frete para Itu custa R$ 31,50 [1]. ", "A troca de produto sem defeito e aceita em ate 30 dias corridos [1]."


class Slow(FakeInference):
    """Writes its second sentence only when it is let go on."""

    def __init__(self, before):
        super().__init__(lambda _messages: "")
        self._spaces, self._versions = before._spaces, before._versions
        self.go_on = threading.Event()

    def chat_stream(self, _messages, **_options):
        yield FIRST + SECOND[:7]
        self.go_on.wait(180)
        yield SECOND[7:]
        yield ChatResult(FIRST + SECOND, "writer", 10, 20, complete=True)


@pytest.fixture
def documents(box, ana, run_deliveries):
    actions.upload_document(box, ana.tenant_id, "politica.md", io.BytesIO(RULES))
    run_deliveries()


def ask(page, question):
    page.get_by_role("textbox", name="Pergunta").fill(question)
    page.get_by_role("button", name="Perguntar").click()


def test_the_first_sentence_is_read_while_the_second_is_written(box, documents, new_context, ana):
    slow = Slow(box.part(Inference))
    box.provide(Inference, slow)
    page = new_context(ana).new_page()
    page.goto("/knowledge")
    ask(page, "quanto custa o frete para itu e qual o prazo de troca?")
    page.locator("#answer [aria-busy]", has_text="31,50").wait_for()
    expect(page.locator("#answer", has_text="30 dias")).to_have_count(0)
    slow.go_on.set()
    page.locator("#answer .srcs").wait_for()
    expect(page.locator("#answer", has_text="30 dias")).to_have_count(1)
    expect(page.locator("#answer [aria-busy]")).to_have_count(0)
    page.get_by_role("button", name="Certa").click()
    page.locator("#feedback", has_text="Obrigado").wait_for()


@pytest.mark.parametrize(("question", "kept"), [("vocês vendem foguetes?", True), ("🚀", False)])
def test_a_question_is_called_kept_only_when_it_was(documents, new_context, ana, question, kept):
    page = new_context(ana).new_page()
    page.goto("/knowledge")
    ask(page, question)
    said = "guardada" if kept else "Não respondida pelos documentos"
    page.locator("#answer .ans-meta", has_text=said).wait_for()
    page.goto("/knowledge/gaps")
    expect(page.get_by_text(question)).to_have_count(int(kept))


def test_a_box_that_cannot_answer_says_why(new_context, ana):
    page = new_context(ana).new_page()
    page.goto("/knowledge")
    ask(page, "   ")
    page.locator("#answer", has_text="Escreva uma pergunta primeiro").wait_for()


def test_half_read_documents_are_told_of_where_they_are_asked(box, documents, new_context, ana, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        agent_id = agents.create_agent(uow, AgentIn(name="Aurora"), publish_now=True).id
    actions.upload_document(box, ana.tenant_id, "outra.md", io.BytesIO(b"# Garantia\n\nA garantia dura 12 meses.\n"))
    actions.upload_document(box, ana.tenant_id, "quebrado.pdf", io.BytesIO(b"%PDF-1.7 nothing"))
    page = new_context(ana).new_page()
    for place in ("/knowledge", f"/agents/{agent_id}"):
        page.goto(place)
        expect(page.locator("#searchable")).to_contain_text("1 de 3 documentos")
    run_deliveries()
    for place in (f"/agents/{agent_id}", "/knowledge"):
        page.goto(place)
        expect(page.locator("#searchable")).to_be_empty()
    expect(page.locator("tr", has_text="quebrado.pdf")).to_contain_text("danificado")
