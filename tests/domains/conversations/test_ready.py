"""Labels, quick replies, macros, and conversations put aside."""

from datetime import timedelta

import pytest

from appliance.core import clock
from appliance.core.errors import Conflict, Refused
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.conversations import actions, jobs, queries
from appliance.domains.conversations.actions import aside, filing
from appliance.domains.conversations.actions import ready as keeping
from appliance.domains.conversations.actions import teams as acting
from appliance.domains.conversations.queries import InboxFilter, ready, teams
from appliance.domains.conversations.rules import filling
from appliance.domains.conversations.schemas import MacroIn, MacroPatch, TeamIn
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import ConversationStatus, Handling, LabelColour


@pytest.fixture
def now_bruno(box, tenant_id, bruno):
    return lambda: box.unit(tenant_id, Actor("user", bruno, "Bruno"))


def found(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.get_conversation(uow, conversation_id)


def listed(box, tenant_id, **wanted):
    with box.unit(tenant_id, read_only=True) as uow:
        return [row.id for row in queries.list_conversations(uow, InboxFilter(**wanted), PageQuery()).items]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Oi, {{contact.first_name|tudo bem}}!", "Oi, Ana!"),
        ("Oi {{ contact.company }}, tudo bem?", "Oi, tudo bem?"),
        ("Oi {{contact.company | time}}!", "Oi time!"),
        ("Obrigado, {{contact.company}}!", "Obrigado!"),
        ("Até logo, {{contact.company}}\nAna", "Até logo\nAna"),
        ("{{contact.company}}, seu pedido saiu.", "Seu pedido saiu."),
        ("{{2}} e {chaves}", "{{2}} e {chaves}"),
        ("sem  nada", "sem  nada"),
    ],
)
def test_what_is_between_braces_is_filled_in_or_gives_way(text, said):
    values = {"contact.first_name": "Ana", "contact.company": ""}
    assert filling.filled(text, values | {"2": "{{2}}"}) == said


def test_first_name_of_nobody_is_nothing():
    assert (filling.first_name("  "), filling.first_name("Ana Prado")) == ("", "Ana")


def test_a_label_is_one_however_it_is_written_and_filters_the_inbox(box, tenant_id, says):
    one, two = says("a"), says("b", visitor="beto")
    with box.unit(tenant_id) as uow:
        actions.change_labels(uow, one, ["Garantia", "  VIP  ouro "])
        actions.change_labels(uow, two, ["garantia", ""])
        assert [label.name for label in ready.list_labels(uow)] == ["Garantia", "VIP ouro"]
    assert listed(box, tenant_id, label="Garantia") == [two, one]
    assert listed(box, tenant_id, label="VIP ouro") == [one]
    assert listed(box, tenant_id, label="ouro") == []


def test_a_renamed_label_takes_its_conversations_along_and_a_deleted_one_leaves_them(box, tenant_id, says):
    conversation_id = says("a")
    with box.unit(tenant_id) as uow:
        actions.change_labels(uow, conversation_id, ["garantia", "vip"])
        label = next(each for each in ready.list_labels(uow) if each.name == "garantia")
        filing.change_label(uow, label.id, {"name": "Garantia estendida", "colour": LabelColour.PINK})
        assert (label.name, label.colour) == ("Garantia estendida", LabelColour.PINK)
    assert found(box, tenant_id, conversation_id).labels == ["Garantia estendida", "vip"]
    with box.unit(tenant_id) as uow:
        filing.delete_label(uow, label.id)
    assert found(box, tenant_id, conversation_id).labels == ["vip"]


def test_one_more_than_a_list_shows_is_refused(box, tenant_id, says, monkeypatch):
    monkeypatch.setattr(ready, "MOST", 1)
    monkeypatch.setattr(teams, "MOST", 1)
    conversation_id = says("oi")
    makers = (
        lambda uow, name: filing.create_label(uow, {"name": name}),
        lambda uow, name: keeping.create_quick_reply(uow, {"shortcut": name, "text": "Oi"}),
        lambda uow, name: keeping.create_macro(uow, MacroIn(name=name, steps={"status": "resolved"})),
        lambda uow, name: acting.create_team(uow, TeamIn(name=name)),
    )
    for make in makers:
        with box.unit(tenant_id) as uow:
            make(uow, "um")
        with pytest.raises(Refused), box.unit(tenant_id) as uow:
            make(uow, "dois")
    with box.unit(tenant_id) as uow:
        assert actions.change_labels(uow, conversation_id, ["UM"]).labels == ["um"]
    with pytest.raises(Refused), box.unit(tenant_id) as uow:
        actions.change_labels(uow, conversation_id, ["um", "dois"])


def test_a_label_of_many_conversations_is_renamed_slice_by_slice_without_reading_what_was_said(box, tenant_id, says, monkeypatch):
    monkeypatch.setattr(filing, "SLICE", 2)
    marked = [says("a", visitor=str(number)) for number in range(5)]
    with box.unit(tenant_id) as uow:
        for conversation_id in marked:
            actions.change_labels(uow, conversation_id, ["garantia"])
    with box.unit(tenant_id) as uow:
        (label,) = ready.list_labels(uow)
        filing.change_label(uow, label.id, {"name": "Conserto"})
        assert not [row for row in uow.session.identity_map.values() if isinstance(row, Conversation)]
        held = queries.get_conversation(uow, marked[0])
        assert held.labels == ["Conserto"]
        filing.change_label(uow, label.id, {"name": "Reparo"})
        assert held.labels == ["Reparo"]
    assert {tuple(found(box, tenant_id, each).labels) for each in marked} == {("Reparo",)}
    with box.unit(tenant_id) as uow:
        filing.delete_label(uow, label.id)
    assert not any(found(box, tenant_id, each).labels for each in marked)


def test_two_labels_of_one_name_are_refused(box, tenant_id):
    with box.unit(tenant_id) as uow:
        filing.create_label(uow, {"name": "vip"})
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        filing.create_label(uow, {"name": "VIP"})
    with box.unit(tenant_id) as uow:
        other = filing.create_label(uow, {"name": "ouro"}).id
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        filing.change_label(uow, other, {"name": "vip"})


def test_put_aside_until_a_time_it_comes_back_on_top_and_unread(box, tenant_id, says, now_bruno, bruno, time_machine_now):
    first, second = says("a"), says("b", visitor="beto")
    with now_bruno() as uow:
        actions.take_over(uow, first, user_id=bruno)
        aside.snooze(uow, first, until=uow.now + timedelta(hours=1))
    assert listed(box, tenant_id) == [second]
    assert listed(box, tenant_id, status=ConversationStatus.SNOOZED) == [first]
    jobs.wake_snoozed(box)
    assert found(box, tenant_id, first).status is ConversationStatus.SNOOZED
    time_machine_now(hours=1, minutes=1)
    jobs.wake_snoozed(box)
    jobs.wake_snoozed(box)
    woken = found(box, tenant_id, first)
    assert (woken.status, woken.snoozed_until, woken.unread_count, woken.assignee_id) == (ConversationStatus.OPEN, None, 1, bruno)
    assert listed(box, tenant_id) == [first, second]
    with box.unit(tenant_id, read_only=True) as uow:
        assert [message.content for message in queries.list_messages(uow, first)][1:] == [{"event": "snooze_over"}]


def test_put_aside_by_nobody_it_waits_for_somebody_when_it_comes_back(box, tenant_id, says, time_machine_now):
    conversation_id = says("a")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
        aside.snooze(uow, conversation_id, until=uow.now + timedelta(minutes=5))
    assert found(box, tenant_id, conversation_id).waiting_since is None
    time_machine_now(minutes=6)
    jobs.wake_snoozed(box)
    assert found(box, tenant_id, conversation_id).handoff_reason == "snooze_over"


@pytest.mark.parametrize("put", ["snooze", "pending"])
def test_put_aside_it_is_open_again_when_the_contact_writes(box, tenant_id, says, now_bruno, bruno, put):
    conversation_id = says("a")
    with now_bruno() as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
        if put == "snooze":
            aside.snooze(uow, conversation_id, until=None)
        else:
            aside.set_pending(uow, conversation_id)
    assert listed(box, tenant_id) == []
    with box.unit(tenant_id, read_only=True) as uow:
        counts = queries.count_inbox(uow, user_id=bruno)
        assert (counts.all, counts.snoozed + counts.pending) == (0, 1)
    says("voltei")
    again = found(box, tenant_id, conversation_id)
    assert (again.status, again.assignee_id, again.unread_count) == (ConversationStatus.OPEN, bruno, 1)


@pytest.mark.parametrize("hours", [-1, 24 * 400])
def test_it_is_put_aside_for_a_time_to_come_within_a_year(box, tenant_id, says, hours):
    conversation_id = says("a")
    with pytest.raises(Refused) as refused, box.unit(tenant_id) as uow:
        aside.snooze(uow, conversation_id, until=uow.now + timedelta(hours=hours))
    assert list(refused.value.fields) == ["until"]


@pytest.mark.parametrize("hours", [-1, 24 * 400])
def test_it_is_put_back_only_for_a_time_to_come_within_a_year(client, says, hours):
    address = f"/api/v1/conversations/{says('a')}/state"
    until = (clock.now() + timedelta(hours=hours)).isoformat()
    state = {"labels": [], "assignee_id": None, "handling": "bot", "status": "snoozed", "snoozed_until": until}
    refused = client.put(address, json=state)
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["snoozed_until"])


def test_what_is_open_waits_for_no_time(client, box, tenant_id, says):
    conversation_id = says("a")
    until = (clock.now() + timedelta(hours=1)).isoformat()
    state = {"labels": [], "assignee_id": None, "handling": "bot", "status": "open", "snoozed_until": until}
    assert client.put(f"/api/v1/conversations/{conversation_id}/state", json=state).status_code == 200
    assert found(box, tenant_id, conversation_id).snoozed_until is None
    assert client.put(f"/api/v1/conversations/{conversation_id}/state", json=state | {"status": "snoozed"}).status_code == 200
    assert found(box, tenant_id, conversation_id).snoozed_until is not None


STEPS = {
    "labels": ["orçamento"], "note": "mandado por {{me.first_name}}", "assign": "me",
    "reply": "Oi {{contact.first_name}}, segue o orçamento.", "status": "pending",
}  # fmt: skip


def test_a_macro_does_all_its_steps_and_can_be_put_back_but_for_what_was_said(box, tenant_id, says, now_bruno, bruno):
    conversation_id = says("quanto custa?")
    with box.unit(tenant_id) as uow:
        macro_id = keeping.create_macro(uow, MacroIn(name="Orçamento", steps=STEPS)).id
    with now_bruno() as uow:
        conversation, before, replied = keeping.run_macro(uow, conversation_id, macro_id, user_id=bruno)
        assert (conversation.labels, conversation.assignee_id, conversation.status) == (["orçamento"], bruno, ConversationStatus.PENDING)
        assert replied
    with box.unit(tenant_id, read_only=True) as uow:
        said = [message.content["text"] for message in queries.list_messages(uow, conversation_id)]
        name = ready.values_for(uow, conversation)["contact.first_name"]
    assert said[2] == f"Oi {name}, segue o orçamento."
    assert said[1].startswith("mandado por")
    with now_bruno() as uow:
        aside.restore(uow, conversation_id, before)
    again = found(box, tenant_id, conversation_id)
    assert (again.labels, again.assignee_id, again.status, again.handling) == ([], None, ConversationStatus.OPEN, before.handling)


@pytest.mark.parametrize(("status", "is_now"), [("resolved", ConversationStatus.RESOLVED), ("snoozed", ConversationStatus.SNOOZED)])
def test_a_macro_may_end_a_conversation_or_put_it_aside(box, tenant_id, says, bruno, status, is_now):
    conversation_id = says("obrigado")
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=bruno)
        macro_id = keeping.create_macro(uow, MacroIn(name="Fim", steps={"status": status, "assign": bruno})).id
        _conversation, before, replied = keeping.run_macro(uow, conversation_id, macro_id, user_id=bruno)
    assert not replied
    assert found(box, tenant_id, conversation_id).status is is_now
    with box.unit(tenant_id) as uow:
        aside.restore(uow, conversation_id, before)
    assert found(box, tenant_id, conversation_id).status is ConversationStatus.OPEN


def test_a_macro_that_may_not_speak_does_nothing_at_all(box, tenant_id, says, bruno):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        macro_id = keeping.create_macro(uow, MacroIn(name="Orçamento", steps=STEPS)).id
    with pytest.raises(Refused), box.unit(tenant_id) as uow:
        conversation = queries.lock_conversation(uow, conversation_id)
        conversation.window_hours, conversation.last_inbound_at = 24, uow.now - timedelta(hours=30)
        keeping.run_macro(uow, conversation_id, macro_id, user_id=bruno)
    assert found(box, tenant_id, conversation_id).labels == []


def test_a_macro_is_changed_and_names_are_not_shared(box, tenant_id):
    with box.unit(tenant_id) as uow:
        one = keeping.create_macro(uow, MacroIn(name="Um", steps={"status": "resolved"}))
        keeping.create_macro(uow, MacroIn(name="Dois", steps={"status": "resolved"}))
        keeping.change_macro(uow, one.id, MacroPatch(steps={"assign": "nobody"}))
        assert one.steps["assign"] == "nobody"
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        keeping.change_macro(uow, one.id, MacroPatch(name="Dois"))


def test_nobody_from_outside_stands_in_a_macro(box, tenant_id, other_tenant_id):
    with pytest.raises(Refused), box.unit(tenant_id) as uow:
        keeping.create_macro(uow, MacroIn(name="Um", steps={"assign": other_tenant_id}))


def test_quick_replies_are_kept_and_filled_in(client, says):
    conversation_id = says("oi")
    wanted = {"shortcut": "oi", "text": "Olá, {{contact.first_name|você}}! Aqui é {{me.first_name}}, da {{company}}."}
    made = client.post("/api/v1/quick-replies", json=wanted).json
    (ready_made,) = client.get(f"/api/v1/conversations/{conversation_id}/quick-replies").json
    assert ready_made["text"].startswith("Olá, Ana!")
    assert client.post("/api/v1/quick-replies", json=wanted).status_code == 409
    wrong = client.post("/api/v1/quick-replies", json={"shortcut": "b", "text": "{{contact.cpf}}"})
    assert (wrong.status_code, "contact.cpf" in wrong.json["fields"]["text"]) == (422, True)
    assert client.patch(f"/api/v1/quick-replies/{made['id']}", json={"shortcut": "ola"}).json["shortcut"] == "ola"
    assert client.delete(f"/api/v1/quick-replies/{made['id']}").status_code == 204
    assert client.get("/api/v1/quick-replies").json == []


def test_labels_and_macros_over_the_api(client, says):
    conversation_id = says("oi")
    label = client.post("/api/v1/labels", json={"name": "vip", "colour": "pink"}).json
    assert client.patch(f"/api/v1/labels/{label['id']}", json={"colour": "blue"}).json["colour"] == "blue"
    client.put(f"/api/v1/conversations/{conversation_id}/labels", json={"labels": ["VIP"]})
    assert client.get("/api/v1/conversations?label=vip").json["total"] == 1
    assert client.post("/api/v1/macros", json={"name": "Nada", "steps": {}}).status_code == 422
    macro = client.post("/api/v1/macros", json={"name": "Fim", "steps": {"status": "resolved"}}).json
    assert client.patch(f"/api/v1/macros/{macro['id']}", json={"name": "Encerrar"}).json["name"] == "Encerrar"
    ran = client.post(f"/api/v1/conversations/{conversation_id}/macros/{macro['id']}").json
    assert (ran["conversation"]["status"], ran["before"]["status"], ran["replied"]) == ("resolved", "open", False)
    assert client.put(f"/api/v1/conversations/{conversation_id}/state", json=ran["before"]).json["status"] == "open"
    assert client.post(f"/api/v1/conversations/{conversation_id}/pending").json["status"] == "pending"
    assert client.post(f"/api/v1/conversations/{conversation_id}/snooze", json={}).json["status"] == "snoozed"
    assert client.get("/api/v1/conversations/counts").json["snoozed"] == 1
    assert client.post(f"/api/v1/conversations/{conversation_id}/reopen").json["status"] == "open"
    assert client.delete(f"/api/v1/macros/{macro['id']}").status_code == 204
    assert client.delete(f"/api/v1/labels/{label['id']}").status_code == 204
    assert client.get(f"/api/v1/conversations/{conversation_id}").json["labels"] == []
    assert [client.get(f"/api/v1/{list_of}").json for list_of in ("labels", "macros")] == [[], []]


def test_the_bot_keeps_a_conversation_that_it_had_when_it_is_put_aside(box, tenant_id, says, now_bruno):
    conversation_id = says("oi")
    with now_bruno() as uow:
        assert aside.snooze(uow, conversation_id, until=None).handling is Handling.BOT
    assert found(box, tenant_id, conversation_id).assignee_id is None
