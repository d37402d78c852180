"""Consents, notes, the timeline, and what privacy asks for."""

import json

import pytest
from sqlalchemy import select

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.schemas import ConsentIn, ContactSettingsIn
from appliance.domains.contacts.tables import Consent, Contact, ContactIdentity, ContactNote, ContactTag, TimelineEntry
from appliance.domains.contacts.types import Channel, ConsentMode, Objection, Purpose
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_child, make_contact, may_send, say_no, say_yes


@pytest.fixture
def ana(uow):
    return make_contact(uow, name="Ana", tags=["vip"])


def test_the_ledger_keeps_every_word_and_the_last_one_counts(uow, ana):
    say_yes(uow, ana.id)
    say_no(uow, ana.id)
    say_yes(uow, ana.id)
    assert [consent.mode for consent in queries.list_consents(uow, ana.id)] == ["opt_in", "opt_out", "opt_in"]
    assert may_send(uow, ana.id, Channel.WHATSAPP, Purpose.MARKETING)
    assert emitted(uow)[1:] == ["consent.granted", "consent.withdrawn", "consent.granted"]


def test_consent_holds_for_its_own_channel_and_purpose(uow, ana):
    say_yes(uow, ana.id, channel=Channel.EMAIL)
    assert not may_send(uow, ana.id, Channel.WHATSAPP, Purpose.MARKETING)
    with pytest.raises(ConsentRefused) as refused:
        queries.check_may_send(uow, ana.id, Channel.SMS, Purpose.MARKETING)
    assert refused.value.objection is Objection.NEVER_OPTED_IN


def test_minor_cannot_consent_to_marketing(uow):
    child = make_child(uow)
    with pytest.raises(ConsentRefused):
        say_yes(uow, child.id)
    assert emitted(uow) == ["contact.created"]
    assert may_send(uow, child.id, Channel.WHATSAPP, Purpose.REPLY)


def test_stop_is_recorded_once_and_replies_still_go_out(uow, ana):
    say_yes(uow, ana.id)
    assert actions.opt_out(uow, ana.id, Channel.WHATSAPP, source="stop_word", evidence={"message_id": "m1"})
    assert not actions.opt_out(uow, ana.id, Channel.WHATSAPP, source="stop_word", evidence={"message_id": "m2"})
    assert [consent.evidence for consent in queries.list_consents(uow, ana.id)][:2] == [{"message_id": "m1"}] * 2
    allowed = {purpose: may_send(uow, ana.id, Channel.WHATSAPP, purpose) for purpose in Purpose}
    assert allowed == {Purpose.REPLY: True, Purpose.SERVICE: False, Purpose.MARKETING: False}
    assert may_send(uow, ana.id, Channel.EMAIL, Purpose.SERVICE)


def test_an_organisation_has_its_own_stop_words_and_region(uow):
    assert queries.find_stop(uow, "Chega!") is None
    actions.change_settings(uow, ContactSettingsIn(default_region="PT", opt_out_words=["Chega"]))
    actions.change_settings(uow, ContactSettingsIn(default_region="US", opt_out_words=["Chega", "Basta"]))
    assert queries.find_stop(uow, "Chega!") is not None
    assert make_contact(uow, phone="(415) 555-2671").phone_e164 == "+14155552671"


def test_a_note_is_kept_with_its_author_and_shown_in_the_timeline(uow, ana):
    note = actions.add_note(uow, ana.id, "Ligar na segunda. " * 50)
    assert queries.list_notes(uow, ana.id) == [note]
    newest = queries.list_timeline(uow, ana.id, PageQuery()).items[0]
    assert (newest.kind, newest.object_id, len(newest.summary)) == ("note.added", note.id, 200)
    assert newest.summary.endswith("Ligar na segunda. L…")
    assert emitted(uow)[-1] == "note.added"


def test_another_domain_says_once_what_happened(uow, ana):
    deal_id = ana.id
    for summary in ("R$ 1.000", ""):
        actions.add_timeline_entry(uow, ana.id, kind="deal.won", object_id=deal_id, summary=summary)
    timeline = queries.list_timeline(uow, ana.id, PageQuery(limit=1))
    assert ([(entry.kind, entry.summary) for entry in timeline.items], timeline.total) == ([("deal.won", "R$ 1.000")], 2)


def test_everything_held_about_a_person_is_exported_as_json(uow, ana):
    say_yes(uow, ana.id)
    actions.add_note(uow, ana.id, "nota")
    held = json.loads(json.dumps(queries.export_contact(uow, ana.id)))
    assert held["contact"]["name"] == "Ana"
    assert {name: len(rows) for name, rows in held.items() if name != "contact"} == {
        "identities": 2, "consents": 1, "awaited_consents": 0, "notes": 1, "segments": 0, "timeline": 3,
    }  # fmt: skip


def test_erasing_leaves_nothing_and_nobody_else_is_touched(uow, ana):
    other = make_contact(uow)
    say_yes(uow, ana.id)
    actions.add_note(uow, ana.id, "nota")
    uow.session.flush()
    assert actions.erase_contact(uow, ana.id) == 1 + 2 + 1 + 1 + 3 + 1
    for table in (ContactIdentity, ContactNote, ContactTag, TimelineEntry, Consent):
        assert uow.session.scalars(select(table.id).where(table.contact_id == ana.id)).all() == []
    assert uow.session.scalars(select(Contact.id)).all() == [other.id]


def test_a_recorded_word_says_where_it_came_from(uow, ana):
    said = ConsentIn(channel="email", purpose="marketing", mode=ConsentMode.DOUBLE_OPT_IN, source="landing", evidence={"ip": "10.0.0.1"})
    consent = actions.record_consent(uow, ana.id, said)
    assert (consent.mode, consent.lawful_basis, consent.source, consent.evidence) == (
        ConsentMode.DOUBLE_OPT_IN, "consent", "landing", {"ip": "10.0.0.1"},
    )  # fmt: skip
