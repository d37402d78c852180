"""Whoever opens a conversation that waits reads why in words."""

import re
from types import SimpleNamespace

import pytest

from appliance.core.i18n import in_locale
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.agents.types import Language, Reason
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions as speaking
from appliance.domains.conversations.rules.wording import preview_of
from appliance.domains.conversations.types import MessageKind, MessageStatus, Sender
from appliance.inference.catalog import read_catalogue
from webui.inbox.assisting import LANGUAGES, SMALL_MODEL
from webui.inbox.parts import STATUS_MARKS, without_text
from webui.inbox.presenting import HANDOFF_REASONS, WORDLESS, author_of, names_of

SAID_ELSEWHERE = ("asked_by_colleague", "no_agent", "unassigned")


@pytest.mark.parametrize("reason", [*Reason, *SAID_ELSEWHERE])
def test_every_reason_for_calling_a_person_is_said_in_words(reason):
    assert str(HANDOFF_REASONS[reason]) != reason


@pytest.mark.parametrize("kind", sorted(set(MessageKind) - {MessageKind.TEXT, MessageKind.BUTTONS, MessageKind.LIST, MessageKind.NOTE}))
def test_a_message_without_words_is_named_by_its_kind_in_the_list(kind):
    assert preview_of(kind, {}) in WORDLESS


def test_whoever_has_no_model_is_named_one_that_the_box_can_fetch():
    assert SMALL_MODEL in read_catalogue()


def test_every_language_of_a_translation_has_its_name():
    assert set(LANGUAGES) == set(Language)


@pytest.mark.only_database("sqlite")
def test_an_agents_message_bears_its_name(box, tenant_id):
    with box.unit(tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia"))
        said = SimpleNamespace(sender=Sender.AGENT_AI, sender_id=lia.id)
        gone = SimpleNamespace(sender=Sender.AGENT_AI, sender_id=uow.tenant_id)
        names = names_of(uow, [said, gone])
    with in_locale("en"):
        assert [author_of(one, names, "Bia") for one in (said, gone)] == ["Lia", "AI agent"]


@pytest.mark.only_database("sqlite")
def test_what_the_box_said_by_itself_is_not_called_an_answer(app, box, somebody, browser_headers):
    tenant_id = somebody.principal.tenant_id
    with box.unit(tenant_id) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        talk = channels.receive_simulated(uow, phone, visitor="Bia", name="Bia", text="oi")
        speaking.queue_notice(uow, talk, "Alguém já fala com você.")
    shown = app.test_client().get(f"/inbox/{talk}", headers=browser_headers).text
    assert "Alguém já fala com você." in shown
    assert "Primeira mensagem enviada" not in shown


@pytest.mark.parametrize(("said", "shown"), [("a" * 140, "a" * 140), ("a" * 141, "a" * 139 + "…"), ("a" * 138 + " bcd", "a" * 138 + "…")])
def test_a_preview_that_leaves_something_out_says_so(said, shown):
    assert preview_of(MessageKind.TEXT, {"text": said}) == shown


def test_a_file_is_named_in_the_list():
    assert preview_of(MessageKind.DOCUMENT, {"media": {"filename": "orçamento.pdf"}}) == "orçamento.pdf"


def test_a_call_that_nobody_answered_is_a_line_of_the_thread_and_of_the_list():
    missed = SimpleNamespace(kind=MessageKind.UNSUPPORTED, content={"type": "missed_call", "with_video": False})
    assert preview_of(missed.kind, missed.content) in WORDLESS
    with in_locale("pt_BR"):
        assert str(without_text(missed)) == "Ligação perdida"
        assert "enquete" in str(without_text(SimpleNamespace(kind=MessageKind.UNSUPPORTED, content={"type": "vote"})))


def test_every_view_of_the_menu_is_named_for_many_conversations(app, browser_headers):
    page = app.test_client().get("/inbox", headers=browser_headers).text
    menu = page[page.index('id="filter-menu"') :]
    named = dict(re.findall(r'view=(\w+)" data-view="\1">.*?<span class="grow">([^<]+)</span>', menu))
    assert named == {
        "pending": "Aguardando o cliente",
        "snoozed": "Adiadas",
        "unsent": "Não enviadas",
        "resolved": "Resolvidas",
        "blocked": "Bloqueadas",
    }


def test_the_thread_names_the_merge_that_blocked_it():
    with in_locale("pt_BR"):
        for event, said in (("blocked", "bloqueado, porque o outro unido a ele"), ("unblocked", "a união que o bloqueou foi desfeita")):
            content = {"event": event, "by": "Ana", "by_merge": True}
            shown = str(without_text(SimpleNamespace(kind=MessageKind.TEXT, content=content)))
            assert (said in shown, shown.endswith(" · Ana")) == (True, True)


def test_a_voice_note_that_was_heard_has_a_mark_of_its_own():
    marks = [STATUS_MARKS[status] for status in (MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.PLAYED)]
    assert [glyph for glyph, _ in marks] == ["checks", "checks", "volume"]
    with in_locale("pt_BR"):
        assert [str(said) for _, said in marks] == ["Entregue", "Lida", "Ouvida"]
