"""One person behind many ids."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from appliance.core.errors import Refused
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Identity, IdentityKind
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_contact

PHONE = Identity(IdentityKind.PHONE, "(11) 98888-7777")
OLD_FORM = Identity(IdentityKind.PHONE, "+55 11 8888-7777")
WHATSAPP = Identity(IdentityKind.WHATSAPP, "551188887777@s.whatsapp.net")
LID = Identity(IdentityKind.WHATSAPP_LID, "1112223334445@lid")


def test_a_stranger_becomes_a_contact(uow):
    contact = actions.upsert_contact(uow, [WHATSAPP, LID], fields=ContactFields(name="Ana"))
    assert (contact.name, contact.phone_e164, contact.wa_lid) == ("Ana", "+551188887777", "1112223334445")
    assert {row.kind for row in queries.list_identities(uow, contact.id)} == {"whatsapp", "whatsapp_lid", "phone"}
    assert emitted(uow) == ["contact.created"]


def test_a_person_without_any_phone_is_a_contact_too(uow):
    hidden = Identity(IdentityKind.WHATSAPP_USER, "BR.1029384756", scope="waba-1")
    contact = actions.upsert_contact(uow, [hidden], fields=ContactFields(name="Sem Número"))
    assert contact.phone_e164 is None
    assert actions.upsert_contact(uow, [hidden]).id == contact.id


def test_the_same_value_in_another_scope_is_somebody_else(uow):
    first = actions.upsert_contact(uow, [Identity(IdentityKind.EXTERNAL, "7", scope="hubspot")])
    second = actions.upsert_contact(uow, [Identity(IdentityKind.EXTERNAL, "7", scope="pipedrive")])
    assert first.id != second.id


@pytest.mark.parametrize(("stored", "asked"), [(PHONE, OLD_FORM), (OLD_FORM, PHONE), (PHONE, WHATSAPP), (WHATSAPP, PHONE)])
def test_both_brazilian_forms_mean_the_same_person(uow, stored, asked):
    contact = actions.upsert_contact(uow, [stored])
    phone = contact.phone_e164
    assert actions.upsert_contact(uow, [asked]).id == contact.id
    assert contact.phone_e164 == phone


def test_the_form_that_was_stored_wins_over_the_other(uow):
    long, short = make_contact(uow, phone="11 98888-7777"), make_contact(uow, phone="11 97777-0000")
    actions.change_contact(uow, short.id, ContactFields(phone="11 3333-4444"))
    assert actions.upsert_contact(uow, [OLD_FORM]).id == long.id


def test_known_fields_are_completed_and_not_overwritten(uow):
    contact = make_contact(uow, name="Ana Souza", phone=PHONE.value)
    again = actions.upsert_contact(uow, [PHONE], fields=ContactFields(name="aninha", company="Solara", tags=["VIP"]))
    assert (again.id, again.name, again.company, again.tags) == (contact.id, "Ana Souza", "Solara", ["vip"])


def test_overwrite_replaces_what_is_known(uow):
    make_contact(uow, name="Ana Souza", phone=PHONE.value)
    again = actions.upsert_contact(uow, [PHONE], fields=ContactFields(name="Ana Lima"), overwrite=True)
    assert again.name == "Ana Lima"


def test_nothing_new_announces_nothing(uow):
    actions.upsert_contact(uow, [PHONE, LID])
    del uow.emitted[:]
    actions.upsert_contact(uow, [PHONE, LID])
    assert emitted(uow) == []


def test_ids_of_two_contacts_leave_both_alone_unless_the_network_vouches(uow):
    by_phone, by_lid = actions.upsert_contact(uow, [PHONE]), actions.upsert_contact(uow, [LID])
    assert actions.upsert_contact(uow, [PHONE, LID]).id == by_phone.id
    assert queries.get_contact(uow, by_lid.id).id == by_lid.id
    assert actions.upsert_contact(uow, [PHONE, LID], one_person=True).id == by_phone.id
    assert queries.get_contact(uow, by_lid.id).id == by_phone.id


def test_the_phone_of_somebody_else_is_not_shown_on_a_contact(uow):
    make_contact(uow, name="Mãe", phone=PHONE.value)
    child = actions.upsert_contact(uow, [LID], fields=ContactFields(name="Filho"))
    actions.upsert_contact(uow, [LID, PHONE], overwrite=True)
    assert (child.phone_e164, child.name) == (None, "Filho")


def test_a_bad_phone_flags_nobody_whose_phone_is_good(uow):
    contact = make_contact(uow, email="ana@solara.example", phone=PHONE.value)
    actions.upsert_contact(uow, [Identity(IdentityKind.EMAIL, "ana@solara.example")], fields=ContactFields(phone="123"))
    assert (contact.phone_raw, contact.phone_invalid) == (PHONE.value, False)


def test_an_impossible_phone_is_kept_and_flagged(uow):
    contact = actions.upsert_contact(uow, [Identity(IdentityKind.PHONE, "123")], fields=ContactFields(name="Ana"))
    assert (contact.phone_raw, contact.phone_invalid, contact.phone_e164) == ("123", True, None)


def test_nothing_to_recognise_a_person_by_is_refused(uow):
    with pytest.raises(Refused):
        actions.upsert_contact(uow, [])


def test_two_webhooks_at_once_make_one_contact(box, tenant_id):
    start = threading.Barrier(4)

    def deliver(_number):
        start.wait()
        with box.unit(tenant_id) as uow:
            return actions.upsert_contact(uow, [WHATSAPP, LID]).id

    with ThreadPoolExecutor(4) as webhooks:
        found = set(webhooks.map(deliver, range(4)))
    assert len(found) == 1
    with box.unit(tenant_id) as uow:
        assert uow.session.scalars(select(Contact.id)).all() == list(found)
