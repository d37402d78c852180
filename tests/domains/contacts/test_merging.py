"""Two contacts become one, and two again."""

from datetime import timedelta

import pytest

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import ContactNotFound, MergeNotFound, MergeRefused
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Channel, Purpose
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_contact, may_send, say_no, say_yes


@pytest.fixture
def ana(uow):
    return make_contact(uow, name="Ana", email="ana@x.example", phone=None, tags=["vip"])


@pytest.fixture
def aninha(uow):
    contact = make_contact(
        uow, name="Aninha", email=None, phone="11 98888-7777", company="Solara", tags=["sul"], attributes={"cor": "azul"}
    )
    actions.add_note(uow, contact.id, "Prefere WhatsApp")
    say_yes(uow, contact.id)
    return contact


def test_the_kept_contact_takes_what_it_lacked(uow, ana, aninha):
    actions.merge_contacts(uow, ana.id, aninha.id)
    assert (ana.name, ana.company, ana.phone_e164, ana.tags) == ("Ana", "Solara", "+5511988887777", ["sul", "vip"])
    assert ana.attributes == {"cor": "azul"}
    assert {row.value for row in queries.list_identities(uow, ana.id)} == {"ana@x.example", "+5511988887777"}
    assert len(queries.list_notes(uow, ana.id)) == 1
    assert may_send(uow, ana.id, Channel.WHATSAPP, Purpose.MARKETING)
    assert "contacts.merged" in emitted(uow)


def test_the_old_id_leads_to_the_kept_contact(uow, ana, aninha):
    actions.merge_contacts(uow, ana.id, aninha.id)
    assert queries.get_contact(uow, aninha.id) is ana
    assert queries.find_contacts(uow, [ana.id, aninha.id]) == {ana.id: ana}
    assert queries.list_timeline(uow, aninha.id, PageQuery()).total == queries.list_timeline(uow, ana.id, PageQuery()).total == 5


def test_undoing_gives_each_back_what_it_had(uow, ana, aninha):
    merge = actions.merge_contacts(uow, ana.id, aninha.id)
    actions.undo_merge(uow, merge.id)
    assert (ana.phone_e164, ana.company, ana.tags) == (None, None, ["vip"])
    assert queries.get_contact(uow, aninha.id) is aninha
    assert [row.value for row in queries.list_identities(uow, aninha.id)] == ["+5511988887777"]
    assert (len(queries.list_notes(uow, ana.id)), len(queries.list_notes(uow, aninha.id))) == (0, 1)
    assert not may_send(uow, ana.id, Channel.WHATSAPP, Purpose.MARKETING)
    assert emitted(uow)[-1] == "merge.undone"
    assert [row.undone_at is None for row in queries.list_merges(uow, ana.id)] == [False]


def test_what_was_changed_since_stays_with_the_kept_contact(uow, ana, aninha):
    merge = actions.merge_contacts(uow, ana.id, aninha.id)
    actions.change_contact(uow, ana.id, ContactFields(company="Outra"))
    actions.undo_merge(uow, merge.id)
    assert ana.company == "Outra"


def test_a_name_that_was_taken_over_goes_back(uow, aninha):
    nameless = make_contact(uow, name="", email="quem@x.example", phone=None)
    merge = actions.merge_contacts(uow, nameless.id, aninha.id)
    assert nameless.name == "Aninha"
    actions.undo_merge(uow, merge.id)
    assert nameless.name == ""


def test_a_flagged_phone_is_flagged_again_after_undoing(uow, aninha):
    flagged = make_contact(uow, email=None, phone="123")
    merge = actions.merge_contacts(uow, flagged.id, aninha.id)
    assert (flagged.phone_e164, flagged.phone_invalid) == ("+5511988887777", False)
    actions.undo_merge(uow, merge.id)
    assert (flagged.phone_e164, flagged.phone_raw, flagged.phone_invalid) == (None, "123", True)


def test_merges_are_undone_in_reverse_order(uow, ana, aninha):
    first = actions.merge_contacts(uow, ana.id, aninha.id)
    third = make_contact(uow, name="Ana S.")
    second = actions.merge_contacts(uow, third.id, ana.id)
    assert queries.get_contact(uow, aninha.id) is third
    with pytest.raises(MergeRefused):
        actions.undo_merge(uow, first.id)
    actions.undo_merge(uow, second.id)
    actions.undo_merge(uow, first.id)
    assert queries.get_contact(uow, aninha.id) is aninha


def test_a_merge_is_undone_for_thirty_days(uow, ana, aninha):
    merge = actions.merge_contacts(uow, ana.id, aninha.id)
    uow.now += timedelta(days=31)
    with pytest.raises(MergeRefused):
        actions.undo_merge(uow, merge.id)


def test_a_contact_is_not_merged_with_itself(uow, ana, aninha):
    actions.merge_contacts(uow, ana.id, aninha.id)
    for same in (ana.id, aninha.id):
        with pytest.raises(MergeRefused):
            actions.merge_contacts(uow, ana.id, same)


def test_a_merge_and_its_undoing_reach_the_other_domains_in_order(ana, aninha):
    merged, undone = ContactsMerged(ana.id, ana.id, aninha.id), MergeUndone(ana.id, ana.id, aninha.id)
    assert merged.ordering_key == undone.ordering_key == str(ana.id)


def test_an_unknown_merge_is_not_found(uow, ana):
    with pytest.raises(MergeNotFound):
        actions.undo_merge(uow, ana.id)


def test_the_last_word_of_both_ledgers_stands(uow, ana, aninha):
    uow.now += timedelta(minutes=1)
    say_no(uow, ana.id)
    actions.merge_contacts(uow, ana.id, aninha.id)
    assert not may_send(uow, ana.id, Channel.WHATSAPP, Purpose.MARKETING)


def test_erasing_takes_everybody_who_was_merged_in(uow, ana, aninha):
    third = make_contact(uow)
    actions.merge_contacts(uow, ana.id, aninha.id)
    actions.merge_contacts(uow, third.id, ana.id)
    actions.delete_contact(uow, aninha.id)
    uow.session.expunge_all()
    assert actions.erase_contact(uow, third.id) == 0
    for contact in (ana, aninha, third):
        with pytest.raises(ContactNotFound):
            queries.get_contact(uow, contact.id)
    assert emitted(uow)[-1] == "contact.deleted"
    assert make_contact(uow, email="ana@x.example").id != ana.id
