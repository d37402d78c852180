from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from appliance.core.config import NetworkMode
from appliance.core.errors import Conflict, Refused, Unavailable
from appliance.core.ids import new_id
from appliance.core.outbound import NotAllowed, Outbound
from appliance.domains.channels import actions, queries
from appliance.domains.channels.errors import TemplateNotFound
from appliance.domains.channels.schemas import ChannelIn, TemplateIn, TemplatePatch, TemplatesQuery
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import Quality, TemplateCategory, TemplateStatus
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, LawfulBasis, Purpose
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import MessageKind
from tests.peers.graph import Misbehaviour, text_webhook
from tests.peers.graph_templates import webhook

sqlite = pytest.mark.only_database("sqlite")
BODY = {"body": "Olá {{1}}, sua visita é em {{2}}.", "variables": [
    {"name": "1", "source": "contact.first_name", "example": "Bia"}, {"name": "2", "example": "12/12"},
]}  # fmt: skip


@pytest.fixture
def make(box, tenant_id, waba):
    def create(kind="whatsapp", name="lembrete", parts=BODY, **given):
        channel = {"channel_id": waba} if kind == "whatsapp" else {}
        with box.unit(tenant_id) as uow:
            wanted = TemplateIn.model_validate({"kind": kind, "name": name, "parts": parts, **channel, **given})
            return actions.create_template(uow, wanted).id

    return create


@pytest.fixture
def show(box, tenant_id):
    def read(template_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_template(uow, template_id)

    return read


@pytest.fixture
def submit(box, tenant_id, run_deliveries):
    def ask(template_id):
        with box.unit(tenant_id) as uow:
            actions.submit_template(uow, template_id)
        run_deliveries()

    return ask


@pytest.fixture
def sync(box, tenant_id, waba):
    def run():
        actions.sync_templates(box, partial(box.unit, tenant_id))
        with box.unit(tenant_id, read_only=True) as uow:
            return {row.name: row for row in queries.list_templates(uow, TemplatesQuery()).items}

    return run


@pytest.fixture
def say(box, tenant_id, conversation_id):
    """A person sends a template in the conversation."""

    def send(template_id, **values):
        named = {name.removeprefix("_").replace("__", "."): value for name, value in values.items()}
        with box.unit(tenant_id) as uow:
            return actions.send_template(uow, conversation_id, template_id, named, user_id=new_id()).id

    return send


@pytest.fixture
def closed(box, tenant_id, waba, conversation_id):
    """The customer wrote two days ago, and agreed to be written to."""
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Conversation).values(last_inbound_at=uow.now - timedelta(days=2)))
        person = conversations.get_conversation(uow, conversation_id).contact_id
        said = ConsentIn(
            channel=Medium.WHATSAPP, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, lawful_basis=LawfulBasis.CONSENT,
            source="loja", evidence={"text": "sim"},
        )  # fmt: skip
        contacts.record_consent(uow, person, said)


@sqlite
def test_a_draft_is_handed_to_meta_and_waits_for_approval(make, submit, show, graph):
    template_id = make()
    submit(template_id)
    found = show(template_id)
    assert (found.status, found.provider_id) == (TemplateStatus.PENDING, "9000")
    asked = graph.templates.kept["9000"]
    assert (asked["name"], asked["language"], asked["category"]) == ("lembrete", "pt_BR", "UTILITY")
    assert asked["parameter_format"] == "POSITIONAL"
    assert asked["components"][0]["example"] == {"body_text": [["Bia", "12/12"]]}


@sqlite
def test_metas_verdict_comes_by_webhook_and_late_news_changes_nothing(make, submit, show, post):
    template_id = make()
    submit(template_id)
    later = 4_000_000_000
    why = {"reason": "Formato", "recommendation": "Tire o link."}
    post(webhook("REJECTED", 9000, time=later, reason="INVALID_FORMAT", rejection_info=why))
    assert (show(template_id).status, show(template_id).reason) == (TemplateStatus.REJECTED, "Formato Tire o link.")
    post(webhook("APPROVED", 9000, time=later + 60))
    post(webhook("REJECTED", 9000, time=later))  # the first again, behind the second
    assert (show(template_id).status, show(template_id).reason) == (TemplateStatus.APPROVED, "")
    post(webhook("", 9000, field="message_template_quality_update", new_quality_score="RED"))
    post(webhook("", 9000, field="template_category_update", new_category="MARKETING"))
    assert (show(template_id).quality, show(template_id).category) == (Quality.LOW, TemplateCategory.MARKETING)


@sqlite
def test_a_verdict_reaches_nobody_who_is_not_of_that_account(make, submit, show, post, box, tenant_id):
    template_id = make()
    submit(template_id)
    post(webhook("APPROVED", 9000, account="77"))
    post(webhook("APPROVED", 9001))  # nobody's template
    assert show(template_id).status is TemplateStatus.PENDING
    with box.unit(tenant_id, read_only=True) as uow:
        assert [row.reason for row in queries.list_rejected(uow, TemplatesQuery()).items] == ["unknown_number"]


@sqlite
def test_what_meta_refuses_goes_back_with_its_words(make, submit, show, graph):
    graph.templates.put("lembrete", "Outro texto.")
    template_id = make()
    submit(template_id)
    assert show(template_id).status is TemplateStatus.DRAFT
    assert "already content in this language" in show(template_id).reason


@sqlite
def test_an_outage_is_told_and_tried_again(make, submit, show, graph, run_deliveries, box):
    graph.misbehave.append(Misbehaviour(status=503))
    template_id = make()
    submit(template_id)
    assert (show(template_id).status, show(template_id).reason != "") == (TemplateStatus.QUEUED, True)
    submit(template_id)
    assert show(template_id).status is TemplateStatus.PENDING
    assert len(graph.templates.kept) == 1


@sqlite
def test_what_is_wrong_is_told_before_anybody_is_asked(make, box, tenant_id, graph):
    template_id = make(parts={"body": "{{1}} chegou"})
    with pytest.raises(Refused) as refused, box.unit(tenant_id) as uow:
        actions.submit_template(uow, template_id)
    assert set(refused.value.fields) == {"body", "variables"}
    assert graph.requests == 0


@sqlite
def test_a_sealed_box_says_which_setting_opens_the_line(make, box, tenant_id, monkeypatch):
    template_id = make()
    sealed = box.settings.network.model_copy(update={"mode": NetworkMode.SEALED, "private_hosts": ()})
    monkeypatch.setattr(box, "outbound", Outbound(sealed))
    with pytest.raises(NotAllowed, match=r"network\.mode"), box.unit(tenant_id) as uow:
        actions.submit_template(uow, template_id)


@sqlite
def test_a_rejected_template_is_worded_anew_under_its_name(make, submit, show, box, tenant_id, graph, post):
    template_id = make()
    submit(template_id)
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:  # Meta looks at it
        actions.change_template(uow, template_id, TemplatePatch.model_validate({"parts": {"body": "Oi!"}}))
    graph.templates.kept["9000"]["status"] = "REJECTED"
    post(webhook("REJECTED", 9000, time=4_000_000_000))
    with box.unit(tenant_id) as uow:
        actions.change_template(uow, template_id, TemplatePatch.model_validate({"parts": {"body": "Sua visita está marcada."}}))
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        actions.change_template(uow, template_id, TemplatePatch(name="outro"))
    submit(template_id)
    assert graph.templates.kept["9000"]["components"][0]["text"] == "Sua visita está marcada."
    assert show(template_id).status is TemplateStatus.PENDING


def test_all_pages_are_fetched_and_what_fills_a_place_stays(sync, graph, make, box, tenant_id):
    for number in range(5):
        graph.templates.put(f"aviso_{number}", "Olá {{1}}, tudo certo.", body={"example": {"body_text": [["Bia"]]}})
    found = sync()
    assert len(found) == 5
    assert found["aviso_0"].status is TemplateStatus.APPROVED
    assert found["aviso_0"].quality is Quality.HIGH
    bound = {"body": "Olá {{1}}, tudo certo.", "variables": [{"name": "1", "source": "contact.name", "example": "Bia"}]}
    with box.unit(tenant_id) as uow:
        actions.change_template(uow, found["aviso_0"].id, TemplatePatch.model_validate({"parts": bound}))
    del graph.templates.kept["9001"]
    again = sync()
    assert again["aviso_0"].parts["variables"][0]["source"] == "contact.name"
    assert again["aviso_1"].status is TemplateStatus.GONE
    assert len(again) == 5
    with box.unit(tenant_id) as uow:
        actions.delete_template(uow, again["aviso_1"].id)
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        actions.delete_template(uow, again["aviso_0"].id)


@sqlite
def test_a_draft_that_meta_has_already_is_the_same_template(sync, graph, make):
    template_id = make()
    graph.templates.put("lembrete", "Olá {{1}}, sua visita é em {{2}}.", status="REJECTED", rejected_reason="SCAM")
    found = sync()["lembrete"]
    assert (found.id, found.provider_id, found.status, found.reason) == (template_id, "9000", TemplateStatus.REJECTED, "SCAM")


@sqlite
def test_everything_metas_list_may_hold_is_read(sync, graph, box, tenant_id):
    link = {"type": "URL", "text": "Ver", "url": "https://s.example/{{1}}", "example": ["https://s.example/7"]}
    buttons = {"type": "BUTTONS", "buttons": [link, {"type": "CATALOG", "text": "Loja"}]}
    named = {"example": {"body_text_named_params": [{"param_name": "nome", "example": "Bia"}]}}
    graph.templates.put("tudo", "Oi {{nome}}!", body=named, components=[{"type": "HEADER", "format": "IMAGE"}, buttons])
    graph.templates.kept["x"] = {"id": "no number", "name": "x"}
    parts = queries.parts_of(sync()["tudo"])
    assert (parts.media, parts.variables[0].example, parts.buttons[0].example) == ("IMAGE", "Bia", "7")
    assert parts.buttons[1].kind.value == "other"
    with box.unit(tenant_id, read_only=True) as uow:
        assert not uow.session.scalars(select(MessageTemplate).where(MessageTemplate.name == "x")).all()


@sqlite
def test_a_stale_token_and_an_outage_are_told_apart(sync, graph, box, tenant_id, waba):
    graph.misbehave.append(Misbehaviour(status=503))
    with pytest.raises(Unavailable):
        sync()
    graph.misbehave.append(Misbehaviour(status=400, code=190))
    with pytest.raises(Refused, match="access token"):
        sync()


@sqlite
def test_without_an_account_the_setting_is_named(box, tenant_id, cloud):
    wanted = {"kind": "whatsapp", "name": "x", "parts": {"body": "Oi"}}
    for channel_id in (None, cloud):
        with pytest.raises(Refused) as refused, box.unit(tenant_id) as uow:
            actions.create_template(uow, TemplateIn.model_validate({**wanted, "channel_id": channel_id}))
        assert set(refused.value.fields) == {"channel_id"}


def test_names_are_once_a_kind_and_language(make, box, tenant_id):
    make("chat", "Boas-vindas", {"body": "Oi!"})
    make("email", "Boas-vindas", {"body": "Oi!"})
    make("chat", "Boas-vindas", {"body": "Hi!"}, language="en_US")
    with pytest.raises(Conflict):
        make("chat", "Boas-vindas", {"body": "Olá!"})


@sqlite
def test_what_nobody_approves_has_to_be_right_at_once(make):
    with pytest.raises(Refused):
        make("chat", "Vazio", {"body": ""})


@pytest.fixture
def approved(make, submit, post, graph):
    template_id = make()
    submit(template_id)
    graph.templates.kept["9000"]["status"] = "APPROVED"
    post(webhook("APPROVED", 9000, time=4_000_000_000))
    return template_id


@sqlite
def test_it_waits_for_its_approval(make, submit, say):
    template_id = make()
    submit(template_id)
    with pytest.raises(Refused):
        say(template_id, _2="10/12")


@sqlite
@pytest.mark.usefixtures("closed")
def test_it_reaches_the_customer_filled_in_once_the_window_is_closed(approved, say, graph, run_deliveries, box, tenant_id):
    template_id, graph.enforce_window = approved, True
    with pytest.raises(Refused) as refused:
        say(template_id)
    assert set(refused.value.fields) == {"values.2"}
    message_id = say(template_id, _2="10/12\nàs 10h")
    run_deliveries()
    [(_, payload)] = graph.accepted
    assert payload["template"] == {
        "name": "lembrete", "language": {"code": "pt_BR"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "10/12 às 10h"}]}],
    }  # fmt: skip
    with box.unit(tenant_id, read_only=True) as uow:
        message = conversations.get_message(uow, message_id)
        assert (message.kind, message.content["text"]) == (MessageKind.TEMPLATE, "Olá Ana, sua visita é em 10/12 às 10h.")


@sqlite
def test_who_did_not_agree_to_advertising_gets_none(make, submit, post, say, closed, graph, run_deliveries):
    template_id = make(category="marketing")
    submit(template_id)
    post(webhook("APPROVED", 9000, time=4_000_000_000))
    with pytest.raises(Refused):  # agreed to service only
        say(template_id, _2="10/12")
    run_deliveries()
    assert not graph.accepted


@sqlite
def test_a_template_goes_only_where_it_fits(make, say, box, tenant_id, conversation_id, sync, graph):
    with pytest.raises(Refused):
        say(make("chat", "Oi", {"body": "Oi!"}))
    graph.templates.put("foto", "Oi!", components=[{"type": "HEADER", "format": "GIF"}])
    with pytest.raises(Refused):
        say(sync()["foto"].id)
    other = ChannelIn(kind="whatsapp_cloud", name="2", external_id="99", config={"waba_id": "7"},
                      secrets={"access_token": "a", "app_secret": "b", "verify_token": "c"})  # fmt: skip
    with box.unit(tenant_id) as uow:
        second = actions.create_channel(uow, other).id
    with pytest.raises(Refused):
        say(make(name="alheio", channel_id=second))
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_offered(uow, conversations.get_conversation(uow, conversation_id)) == []


@sqlite
def test_a_channel_takes_its_templates_along(make, box, tenant_id, waba):
    template_id = make()
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, waba)
    with pytest.raises(TemplateNotFound), box.unit(tenant_id, read_only=True) as uow:
        queries.get_template(uow, template_id)


@sqlite
def test_a_chat_is_told_with_buttons(box, tenant_id, make):
    with box.unit(tenant_id) as uow:
        desk = actions.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(tenant_id) as uow:
        talk = actions.receive_simulated(uow, desk, visitor="bia", name="Bia Reis", text="oi")
    template_id = make("chat", "Oferta", {"body": "Oi {{contact.first_name|tudo bem}}, quer a {{item}}?", "buttons": [{"text": "Sim"}]})
    with box.unit(tenant_id) as uow:
        [offered] = queries.list_offered(uow, conversations.get_conversation(uow, talk))
        offer = queries.offer(uow, conversations.get_conversation(uow, talk), offered, {})
        assert (offer.values, offer.cost) == ({"contact.first_name": "Bia", "item": ""}, None)
        message = actions.send_template(uow, talk, template_id, {"item": "casa"}, user_id=new_id())
        assert (message.kind, message.content["text"]) == (MessageKind.BUTTONS, "Oi Bia, quer a casa?")


@sqlite
def test_a_mail_is_made_of_pieces(box, tenant_id, make, show):
    make("piece", "rodape", {"body": "Solara Energia"})
    make("piece", "assinatura", {"body": "**{{me.name}}**\n\n{{> rodape}}"})
    parts = {"header": "Proposta para {{contact.name}}", "body": "Olá {{contact.first_name}}!\n\n{{> assinatura}}"}
    template_id = make("email", "Proposta", parts)
    with box.unit(tenant_id, read_only=True) as uow:
        template = queries.get_template(uow, template_id)
        values = {"contact.first_name": "Bia", "me.name": "Ana", "contact.name": "B"}
        filled = queries.fill(uow, template.kind, queries.parts_of(template), values)
        assert filled.html == "<p>Olá Bia!</p>\n<p><strong>Ana</strong></p>\n<p>Solara Energia</p>\n"
        assert (filled.header, filled.body) == ("Proposta para B", "Olá Bia!\n\nAna\n\nSolara Energia")
        assert list(queries.list_pieces(uow)) == ["assinatura", "rodape"]


@sqlite
def test_a_message_without_template_news_is_still_read(post, inbox, waba):
    both = webhook("APPROVED", 9000)
    both["entry"] += text_webhook("oi")["entry"]
    post(both)
    assert len(inbox()) == 1
