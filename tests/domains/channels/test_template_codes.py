"""Templates that carry codes: for signing in, worded by Meta, and vouchers; and what an answer by button brings back."""

import pytest

from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.cloud import templates as cloud
from appliance.domains.channels.rules import codes, wording
from appliance.domains.channels.rules.templates import problems_of, slots_of
from appliance.domains.channels.schemas import TemplateIn
from appliance.domains.channels.types import Button, ButtonKind, Parts, TemplateCategory, TemplateKind
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import MessageStatus
from tests.peers.graph import envelope

sqlite = pytest.mark.only_database("sqlite")
WHATSAPP = TemplateKind.WHATSAPP


@pytest.fixture
def agreed(box, tenant_id, waba, approved):
    def agree(name, category="utility", **parts):
        given = {"kind": "whatsapp", "name": name, "category": category, "channel_id": waba, "parts": parts}
        with box.unit(tenant_id) as uow:
            template_id = actions.create_template(uow, TemplateIn.model_validate(given)).id
        return approved(template_id)

    return agree


@pytest.fixture
def say(box, tenant_id, conversation_id, run_deliveries):
    def send(template_id, **values):
        with box.unit(tenant_id) as uow:
            named = {name.removeprefix("_").replace("__", "."): value for name, value in values.items()}
            message_id = actions.send_template(uow, conversation_id, template_id, named, user_id=new_id()).id
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, message_id)

    return send


@sqlite
def test_a_code_for_signing_in_is_worded_by_meta_and_copied_by_a_button(agreed, say, graph):
    template_id = agreed("codigo", "authentication", advice=True, minutes=10, body="meus dizeres")
    kept = graph.templates.kept["9000"]["components"]
    assert kept[0]["add_security_recommendation"] is True
    assert kept[1] == {"type": "FOOTER", "code_expiration_minutes": 10}
    assert kept[2]["buttons"] == [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copiar código"}]
    sent = say(template_id, _1="123456")
    assert (sent.status, sent.error) == (MessageStatus.SENT, None)
    assert graph.accepted[-1][1]["template"]["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "123456"}]},
    ]
    assert "123456" in sent.content["text"]
    assert "10 minutos" in sent.content["text"]
    for wrong in ("", "1234567890123456", "clique aqui"):
        with pytest.raises(Refused) as refused:
            say(template_id, _1=wrong)
        assert set(refused.value.fields) == {"values.1"}


@sqlite
def test_a_voucher_is_typed_when_it_is_sent(agreed, say, graph):
    template_id = agreed("promo", body="Dez por cento para você.", buttons=[{"kind": "copy", "example": "DEZ10"}])
    assert graph.templates.kept["9000"]["components"][1]["buttons"] == [{"type": "COPY_CODE", "example": "DEZ10"}]
    sent = say(template_id, code__0="ANA10")
    assert (sent.status, sent.error) == (MessageStatus.SENT, None)
    assert graph.accepted[-1][1]["template"]["components"] == [
        {"type": "button", "sub_type": "copy_code", "index": "0", "parameters": [{"type": "coupon_code", "coupon_code": "ANA10"}]}
    ]
    with pytest.raises(Refused):
        say(template_id, code__0="ANA 10%")


@sqlite
def test_an_answer_by_button_says_which_button_of_which_message(agreed, say, graph, post, inbox):
    template_id = agreed("visita", body="Confirma a visita?", buttons=[{"text": "Confirmo"}, {"text": "Remarcar"}])
    sent = say(template_id)
    payload = graph.accepted[-1][1]["template"]["components"][1]["parameters"][0]["payload"]
    button = {"from": "5531999990001", "id": "wamid.B", "timestamp": "1760000000", "type": "button",
              "button": {"payload": payload, "text": "Remarcar"}, "context": {"id": sent.provider_message_id}}  # fmt: skip
    post(envelope({"contacts": [{"profile": {"name": "Ana"}, "wa_id": "5531999990001"}], "messages": [button]}))
    answer = inbox()[0][1][-1]
    assert answer.content == {"text": "Remarcar", "choice": {"id": "choice-2", "title": "Remarcar"}}
    assert answer.reply_to_id == sent.id


def test_codes_as_meta_lists_them_are_read_and_sent():
    link = {"type": "URL", "text": "Copiar código", "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}
    listed = cloud._parts({"components": [
        {"type": "BODY", "text": "*{{1}}* é seu código.", "add_security_recommendation": True, "example": {"body_text": [["123456"]]}},
        {"type": "FOOTER", "text": "Expira em 5 minutos.", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [link]},
    ]})  # fmt: skip
    assert (listed.buttons, listed.advice, listed.minutes) == ((Button(ButtonKind.CODE, "Copiar código"),), True, 5)
    assert slots_of(WHATSAPP, listed) == ["1"]
    assert wording.is_sendable_by_us(listed)
    voucher = cloud._read_button({"type": "COPY_CODE", "text": "Copy offer code", "example": ["DEZ10"]})
    assert voucher == Button(ButtonKind.COPY, "Copy offer code", example="DEZ10")
    assert [cloud._minutes(said) for said in ("5", 0, 91, 90)] == [0, 0, 0, 90]


@pytest.mark.parametrize("language", ["pt_BR", "en_US", "es", "fr"])
def test_the_words_follow_the_language(language):
    parts = codes.worded(Parts(advice=True, minutes=5, header="x", buttons=(Button(text="a"), Button(text="b"))), language)
    assert "{{1}}" in parts.body
    assert "5" in parts.footer
    assert (parts.header, len(parts.buttons)) == ("", 1)
    assert codes.worded(Parts(), language).footer == ""


def problems(category, parts):
    return set(problems_of(WHATSAPP, "x", category, parts, has_file=False))


def test_what_cannot_be_a_code_is_told_at_its_field():
    assert problems(TemplateCategory.AUTHENTICATION, Parts(minutes=91)) == {"minutes"}
    assert problems(TemplateCategory.AUTHENTICATION, Parts(minutes=90)) == set()
    for buttons in ((Button(ButtonKind.CODE, "x"),), (Button(ButtonKind.COPY),), (Button(ButtonKind.COPY, example="A"),) * 2):
        assert problems(TemplateCategory.MARKETING, Parts(body="Oi!", buttons=buttons)) == {"buttons"}
    assert problems(TemplateCategory.MARKETING, Parts(body="Oi!", buttons=(Button(ButtonKind.COPY, example="A"),))) == set()


def test_only_templates_for_codes_lose_their_own_words():
    own = Parts(body="Oi!", advice=True, minutes=5)
    assert queries.own_words(WHATSAPP, TemplateCategory.UTILITY, "pt_BR", own) == Parts(body="Oi!")
    assert queries.own_words(TemplateKind.CHAT, TemplateCategory.AUTHENTICATION, "pt_BR", own) == Parts(body="Oi!")
