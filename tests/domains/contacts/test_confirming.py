"""A yes that somebody typed counts once the owner of the mailbox confirms it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from appliance.core.ids import new_id
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import ConfirmationNotFound, ConfirmationOver, ConsentRefused
from appliance.domains.contacts.rules import confirming
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.tables import AwaitedConsent
from appliance.domains.contacts.types import Awaiting, Channel, ConsentMode, Objection, Purpose
from tests.factories.contacts import make_contact

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMAIL, MARKETING = Channel.EMAIL, Purpose.MARKETING


def asking(contact, **more):
    said = {"address": contact.email, "sender_id": new_id(), "source": "lead: Site", "words": "Aceito.", "evidence": {"ip": "10.0.0.9"}}
    return actions.Asking(**said | more)


def mode(uow, contact):
    return queries.latest_mode(uow, contact.id, EMAIL, MARKETING)


def ago(**span):
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        ([], True),
        ([ago(minutes=59)], False),
        ([ago(hours=1)], True),
        ([ago(hours=2), ago(hours=5)], True),
        ([ago(hours=2), ago(hours=5), ago(hours=23)], False),
        ([ago(days=day) for day in (2, 4, 6, 8, 10)], True),
        ([ago(days=day) for day in (2, 4, 6, 8, 10, 29)], False),
        ([ago(days=31)] * 50, True),
    ],
)
def test_nobody_is_written_to_again_and_again_for_a_form(asked, may):
    assert confirming.may_ask(asked, NOW) is may


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), max_size=40))
def test_whoever_fills_in_a_form_all_day_writes_three_mails_a_day_and_six_a_month(spans):
    asked = []
    for moment in sorted(NOW - span for span in spans):
        if confirming.may_ask(asked, moment):
            asked.append(moment)
    for moment in asked:
        assert sum(moment - timedelta(days=1) < other <= moment for other in asked) <= 3
        assert sum(moment - timedelta(days=30) < other <= moment for other in asked) <= 6


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=20)), max_size=200))
def test_a_mailbox_asks_sixty_people_an_hour_whoever_they_are(spans):
    asked = sorted(NOW - span for span in spans)
    turns = [confirming.turn_of(asked[:index], moment) for index, moment in enumerate(asked)]
    assert all(turn >= moment for turn, moment in zip(turns, asked, strict=True))
    assert all(late - early >= timedelta(hours=1) for early, late in zip(turns, turns[confirming.MOST_AN_HOUR :], strict=False))


def test_a_mailbox_that_was_made_to_ask_too_many_strangers_asks_nobody_more_that_day(uow, monkeypatch):
    mailbox, other = new_id(), new_id()
    monkeypatch.setattr(confirming, "MOST_A_DAY", 4)
    people = [make_contact(uow) for _ in range(6)]
    made = [actions.ask_confirmation(uow, one.id, asking(one, sender_id=mailbox)) for one in people[:5]]
    assert [one is not None for one in made] == [True] * 4 + [False]
    assert queries.is_mailbox_spent(uow, mailbox)
    assert actions.ask_confirmation(uow, people[5].id, asking(people[5], sender_id=other)) is not None


def test_a_link_is_open_used_or_too_old():
    assert confirming.standing(confirmed_at=None, expires_at=NOW, now=ago(seconds=1)) is Awaiting.OPEN
    assert confirming.standing(confirmed_at=None, expires_at=NOW, now=NOW) is Awaiting.OVER
    assert confirming.standing(confirmed_at=NOW, expires_at=NOW, now=NOW) is Awaiting.CONFIRMED


def test_while_it_waits_nothing_may_be_sent_and_the_gate_says_why(uow):
    contact = make_contact(uow)
    actions.ask_confirmation(uow, contact.id, asking(contact))
    with pytest.raises(ConsentRefused) as refused:
        queries.check_may_send(uow, contact.id, EMAIL, MARKETING)
    assert refused.value.objection is Objection.UNCONFIRMED
    queries.check_may_send(uow, contact.id, EMAIL, Purpose.SERVICE)
    assert [one.address for one in queries.list_awaited(uow, contact.id)] == [contact.email]


def test_confirmed_it_stands_in_the_ledger_with_its_evidence_and_once(uow):
    contact = make_contact(uow)
    awaited = actions.ask_confirmation(uow, contact.id, asking(contact))
    actions.note_confirmation_sent(uow, awaited.id, message_id := new_id())
    for _twice in range(2):
        actions.confirm_consent(uow, awaited.id, {"confirmed_ip": "10.0.0.7"})
    [said] = queries.list_consents(uow, contact.id)
    assert (said.mode, said.source) == (ConsentMode.DOUBLE_OPT_IN, "lead: Site")
    assert said.evidence == {
        "ip": "10.0.0.9", "confirmed_ip": "10.0.0.7", "address": contact.email, "message_id": str(message_id),
        "asked_at": awaited.asked_at.isoformat(),
    }  # fmt: skip
    queries.check_may_send(uow, contact.id, EMAIL, MARKETING)
    assert queries.list_awaited(uow, contact.id) == []


def test_only_a_confirmed_yes_lifts_an_earlier_no(uow):
    contact = make_contact(uow)
    actions.opt_out(uow, contact.id, EMAIL, source="message", evidence={})
    awaited = actions.ask_confirmation(uow, contact.id, asking(contact))
    assert mode(uow, contact) is ConsentMode.OPT_OUT
    actions.confirm_consent(uow, awaited.id, {})
    assert mode(uow, contact) is ConsentMode.DOUBLE_OPT_IN


def test_who_agreed_before_or_was_asked_a_moment_ago_is_not_asked(uow):
    contact = make_contact(uow)
    assert actions.ask_confirmation(uow, contact.id, asking(contact)) is not None
    assert actions.ask_confirmation(uow, contact.id, asking(contact)) is None
    uow.session.execute(update(AwaitedConsent).values(asked_at=uow.now - timedelta(hours=2)))
    again = actions.ask_confirmation(uow, contact.id, asking(contact))
    actions.confirm_consent(uow, again.id, {})
    uow.session.execute(update(AwaitedConsent).values(asked_at=uow.now - timedelta(hours=2)))
    assert actions.ask_confirmation(uow, contact.id, asking(contact)) is None
    assert queries.list_awaited(uow, contact.id) == []  # the first one asks for nothing more either


def test_a_minor_is_not_asked(uow):
    child = make_contact(uow, born_on=uow.now.date() - timedelta(days=3650))
    with pytest.raises(ConsentRefused):
        actions.ask_confirmation(uow, child.id, asking(child))


def test_a_link_that_is_too_old_or_whose_address_is_somebody_elses_by_now_confirms_nothing(uow):
    contact = make_contact(uow)
    awaited = actions.ask_confirmation(uow, contact.id, asking(contact))
    awaited.address = "other@example.com"
    with pytest.raises(ConfirmationOver):
        actions.confirm_consent(uow, awaited.id, {})
    awaited.address, awaited.expires_at = contact.email, uow.now
    with pytest.raises(ConfirmationOver):
        actions.confirm_consent(uow, awaited.id, {})
    assert mode(uow, contact) is None
    with pytest.raises(ConfirmationNotFound):
        actions.confirm_consent(uow, new_id(), {})


def test_a_merge_takes_the_question_along_and_back(uow):
    kept, gone = make_contact(uow), make_contact(uow)
    awaited = actions.ask_confirmation(uow, gone.id, asking(gone))
    merge = actions.merge_contacts(uow, kept.id, gone.id)
    assert len(queries.list_awaited(uow, kept.id)) == 1
    actions.undo_merge(uow, merge.id)
    assert queries.list_awaited(uow, kept.id) == []
    merge = actions.merge_contacts(uow, kept.id, gone.id)
    actions.confirm_consent(uow, awaited.id, {})
    assert mode(uow, kept) is ConsentMode.DOUBLE_OPT_IN


def test_old_questions_are_forgotten_and_an_export_holds_those_there_are(box, tenant_id):
    with box.unit(tenant_id) as uow:
        contact = make_contact(uow)
        actions.ask_confirmation(uow, contact.id, asking(contact))
        exported = queries.export_contact(uow, contact.id)["awaited_consents"]
        assert [one["address"] for one in exported] == [contact.email]
        uow.session.execute(update(AwaitedConsent).values(asked_at=uow.now - timedelta(days=31)))
    with box.whole_box("test") as uow:
        actions.forget_awaited(uow)
        assert uow.session.scalars(select(AwaitedConsent)).all() == []


def test_it_is_listed_and_somebody_signed_in_may_still_record_a_yes(box, tenant_id):
    with box.unit(tenant_id) as uow:
        contact = actions.create_contact(uow, ContactFields(name="Bia", email="bia@cliente.example"))
        actions.ask_confirmation(uow, contact.id, asking(contact))
        contact_id = contact.id
    with box.unit(tenant_id, read_only=True) as uow:
        [listed] = queries.list_awaited(uow, contact_id)
        assert (listed.address, listed.confirmed_at) == ("bia@cliente.example", None)
    with box.unit(tenant_id) as uow:
        said = ConsentIn(channel=EMAIL, purpose=MARKETING, mode=ConsentMode.OPT_IN)
        actions.record_consent(uow, contact_id, said)
        queries.check_may_send(uow, contact_id, EMAIL, MARKETING)


def test_a_confirmed_yes_is_not_taken_from_a_colleague(client, box, tenant_id):
    with box.unit(tenant_id) as uow:
        contact_id = make_contact(uow).id
    said = {"channel": "email", "purpose": "marketing", "mode": "double_opt_in"}
    assert client.post(f"/api/v1/contacts/{contact_id}/consents", json=said).status_code == 422
    assert client.post(f"/api/v1/contacts/{contact_id}/consents", json=said | {"mode": "opt_in"}).status_code == 201
