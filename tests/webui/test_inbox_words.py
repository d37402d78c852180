"""Whoever opens a conversation that waits reads why in words."""

from types import SimpleNamespace

import pytest

from appliance.core.i18n import in_locale
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.agents.types import Reason
from appliance.domains.conversations.rules.wording import preview_of
from appliance.domains.conversations.types import MessageKind, Sender
from webui.inbox.presenting import HANDOFF_REASONS, WORDLESS, author_of, names_of

SAID_ELSEWHERE = ("asked_by_colleague", "no_agent", "unassigned")


@pytest.mark.parametrize("reason", [*Reason, *SAID_ELSEWHERE])
def test_every_reason_for_calling_a_person_is_said_in_words(reason):
    assert str(HANDOFF_REASONS[reason]) != reason


@pytest.mark.parametrize("kind", sorted(set(MessageKind) - {MessageKind.TEXT, MessageKind.BUTTONS, MessageKind.LIST, MessageKind.NOTE}))
def test_a_message_without_words_is_named_by_its_kind_in_the_list(kind):
    assert preview_of(kind, {}) in WORDLESS


@pytest.mark.only_database("sqlite")
def test_an_agents_message_bears_its_name(box, tenant_id):
    with box.unit(tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia"))
        said = SimpleNamespace(sender=Sender.AGENT_AI, sender_id=lia.id)
        gone = SimpleNamespace(sender=Sender.AGENT_AI, sender_id=uow.tenant_id)
        names = names_of(uow, [said, gone])
    with in_locale("en"):
        assert [author_of(one, names, "Bia") for one in (said, gone)] == ["Lia", "AI agent"]
