"""A kind of channel is a gateway and its name in the list: nothing else in the house knows it."""

from datetime import UTC, datetime

import pytest
from pydantic import Field

from appliance.core.errors import Refused
from appliance.core.web import Schema
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways import kinds
from appliance.domains.channels.gateways.gateway import Gateway
from appliance.domains.channels.rules.fitting import fit
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import Change, Kind, Sent, Spoken
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import (
    MAX_TEXT,
    AgentReply,
    Direction,
    Incoming,
    MessageKind,
    MessageStatus,
    Outgoing,
    Person,
)


class PigeonTransport:
    def __init__(self, flown, account):
        self._flown, self._account = flown, account

    def send(self, message):
        self._flown.append((self._account.secrets["coop"], message.to, message.content["text"]))
        return Sent(f"ring-{message.client_id}")


class Loft(Schema):
    roof: str = Field(max_length=20)
    holes: int = Field(8, ge=1)


class PigeonGateway(Gateway):
    settings = Loft
    kind = Kind("pigeon", "Pigeon", Medium.WEBCHAT, max_text=800, external_id="[a-z]+", needs=frozenset({"coop"}))

    def __init__(self):
        self.flown = []

    def open(self, _box, account):
        return PigeonTransport(self.flown, account)

    def read(self, body):
        who, _, text = body.partition(": ")
        person = Person((Identity(IdentityKind.WEBCHAT, who, "pigeon"),), who)
        yield Change((Spoken(person, who, (Incoming(f"ring-{body}", MessageKind.TEXT, {"text": text}, datetime.now(UTC)),)),))


@pytest.fixture
def pigeons(monkeypatch):
    gateway = PigeonGateway()
    monkeypatch.setitem(kinds.GATEWAYS, "pigeon", gateway)
    return gateway


@pytest.fixture
def loft(pigeons, box, tenant_id):
    with box.unit(tenant_id) as uow:
        settings = AgentSettings(debounce_ms=0)
        agent = agents.create_agent(uow, AgentIn(name="Aurora", settings=settings), publish_now=True)
        given = ChannelIn(kind="pigeon", name="Pombal", external_id="roof", config={"roof": "red"}, secrets={"coop": "north"})
        return actions.create_channel(uow, given.model_copy(update={"agent_id": agent.id})).id


def test_a_new_kind_goes_in_to_the_agent_and_out(pigeons, loft, box, tenant_id, inbox, run_deliveries):
    with box.unit(tenant_id) as uow:
        actions.keep_envelopes(uow, loft, ["ana: oi", "ana: oi"])
    run_deliveries()
    [(conversation, thread)] = inbox()
    assert (conversation.channel_kind, conversation.medium) == ("pigeon", Medium.WEBCHAT)
    assert [(message.direction, message.status) for message in thread] == [
        (Direction.INBOUND, MessageStatus.RECEIVED), (Direction.OUTBOUND, MessageStatus.SENT),
    ]
    assert pigeons.flown == [("north", "ana", thread[1].content["text"])]


def test_what_a_kind_cannot_carry_becomes_text(pigeons, loft, box, tenant_id, inbox, run_deliveries):
    with box.unit(tenant_id) as uow:
        actions.keep_envelopes(uow, loft, ["ana: oi"])
    run_deliveries()
    [(conversation, thread)] = inbox()
    with box.unit(tenant_id) as uow:
        reply = AgentReply("Qual?", up_to_number=len(thread) + 1, buttons=("Sofá", "Mesa"))
        conversations.queue_agent_reply(uow, conversation.id, reply)
    run_deliveries()
    assert pigeons.flown[-1] == ("north", "ana", "Qual?\n1. Sofá\n2. Mesa")


def test_what_an_agent_says_too_long_ends_with_a_sentence_for_team_and_contact_alike(pigeons, loft, box, tenant_id, inbox, run_deliveries):
    with box.unit(tenant_id) as uow:
        actions.keep_envelopes(uow, loft, ["ana: oi"])
    run_deliveries()
    [(conversation, thread)] = inbox()
    with box.unit(tenant_id) as uow:
        reply = AgentReply("Uma frase inteira. " * 300, up_to_number=len(thread) + 1, buttons=("Sofá", "Mesa"))
        kept = conversations.queue_agent_reply(uow, conversation.id, reply).content["text"]
    assert (kept.endswith("inteira. …"), 4000 < len(f"{kept}\n1. Sofá\n2. Mesa") <= MAX_TEXT) == (True, True)


def test_what_no_text_can_stand_for_is_refused_with_a_sentence(pigeons, loft, box, tenant_id, inbox, run_deliveries):
    with box.unit(tenant_id) as uow:
        actions.keep_envelopes(uow, loft, ["ana: oi"])
    run_deliveries()
    template = {"name": "lembrete", "language": "pt_BR", "components": []}
    with box.unit(tenant_id) as uow:
        conversations.reply(uow, inbox()[0][0].id, user_id=loft, kind=MessageKind.TEMPLATE, content={"template": template})
    run_deliveries()
    failed = inbox()[0][1][-1]
    assert (failed.status, "Pigeon" in failed.error) == (MessageStatus.FAILED, True)


@pytest.mark.parametrize("given", [
    {"kind": "owl"}, {"external_id": "7"}, {"secrets": {}}, {"secrets": {"coop": "north", "key": "x"}}, {"secrets": {"coop": ""}},
    {"config.roof": {}}, {"config.holes": {"roof": "red", "holes": 0}}, {"config.door": {"roof": "red", "door": True}},
])
@pytest.mark.usefixtures("pigeons")
def test_a_channel_is_connected_with_what_its_kind_needs(box, tenant_id, given):
    whole = {"kind": "pigeon", "name": "Pombal", "external_id": "roof", "config": {"roof": "red"}, "secrets": {"coop": "north"}}
    wrong = {name.partition(".")[0]: value for name, value in given.items()}
    with box.unit(tenant_id) as uow, pytest.raises(Refused) as refused:
        actions.create_channel(uow, ChannelIn.model_validate({**whole, **wrong}))
    assert list(refused.value.fields) == list(given)


def test_settings_are_checked_filled_in_and_changed_one_by_one(pigeons, loft, box, tenant_id):
    with box.unit(tenant_id) as uow:
        assert queries.get_account(uow, loft).config == {"roof": "red", "holes": 8}
        actions.change_channel(uow, loft, ChannelPatch(config={"holes": 3}))
        assert queries.get_account(uow, loft).config == {"roof": "red", "holes": 3}
        with pytest.raises(Refused):
            actions.change_channel(uow, loft, ChannelPatch(name="Novo", config={"holes": 0}))
        assert queries.get_channel(uow, loft).name == "Pombal"


def test_a_kind_without_settings_takes_none(box, tenant_id):
    with box.unit(tenant_id) as uow, pytest.raises(Refused) as refused:
        actions.create_channel(uow, ChannelIn(kind="simulator", name="S", config={"roof": "red"}))
    assert list(refused.value.fields) == ["config.roof"]


def message(kind, **content):
    return Outgoing(None, None, None, "c", "ana", kind, content, None, 1)


def test_choices_under_a_text_too_long_for_them_are_written_out():
    kind = Kind("k", "K", Medium.WEBCHAT, carries=frozenset({MessageKind.TEXT, MessageKind.LIST}), max_text=30, max_text_of_choices=10)
    short = message(MessageKind.LIST, text="Qual?", list={"button": "Ver", "rows": [{"id": "1", "title": "Um"}]})
    assert fit(short, kind) == short
    long = fit(message(MessageKind.LIST, text="Qual destes?", list={"button": "Ver", "rows": [{"id": "1", "title": "Um"}]}), kind)
    assert (long.kind, long.content) == (MessageKind.TEXT, {"text": "Qual destes?\n1. Um"})


def test_nothing_that_is_too_long_for_a_channel_is_cut():
    kind = Kind("k", "K", Medium.WEBCHAT, carries=frozenset({*MessageKind}), max_text=30, max_caption=20, max_button=4)
    assert fit(whole := message(MessageKind.TEXT, text="x" * 30), kind) == whole
    written = fit(message(MessageKind.BUTTONS, text="Qual?", buttons=[{"id": "1", "title": "Quatro"}]), kind)
    assert (written.kind, written.content) == (MessageKind.TEXT, {"text": "Qual?\n1. Quatro"})
    for too_long in (
        message(MessageKind.TEXT, text="x" * 31),
        message(MessageKind.IMAGE, text="x" * 21),
        message(MessageKind.BUTTONS, text="x" * 20, buttons=[{"id": "1", "title": "Um sofá azul"}]),
    ):
        with pytest.raises(Refused, match="characters"):
            fit(too_long, kind)
