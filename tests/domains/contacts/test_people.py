"""Contacts written and found again."""

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import LargeBinary, select, type_coerce

from appliance.core.errors import Refused
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import ContactNotFound, IdentityTaken, InvalidField, StaleContact
from appliance.domains.contacts.schemas import ContactFields, ContactFilter, ContactsQuery
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Channel, ContactSort, Purpose
from tests import cast as people
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_contact, say_no, say_yes
from tests.statements import statements_of


def found(uow, **wanted):
    return [contact.name for contact in queries.list_contacts(uow, ContactsQuery(**wanted)).items]


def test_a_new_contact_is_announced_and_begins_its_timeline(uow):
    contact = make_contact(uow, name="Ana", tags=["VIP"], attributes={"cor": "azul"})
    assert (contact.tags, contact.version) == (["vip"], 1)
    assert emitted(uow) == ["contact.created"]
    assert [entry.kind for entry in queries.list_timeline(uow, contact.id, ContactsQuery()).items] == ["contact.created"]


@pytest.mark.parametrize("taken", [{"email": "ANA@solara.example"}, {"phone": "+55 11 8888-7777"}])
def test_two_contacts_cannot_share_an_email_or_phone(uow, taken):
    make_contact(uow, email="ana@solara.example", phone="11 98888-7777")
    with pytest.raises(IdentityTaken):
        make_contact(uow, **taken)


def test_a_document_is_sealed_and_still_found(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_contact(uow, name="Ana", document="529.982.247-25")
        make_contact(uow, name="Bia", document="12.ABC.345/01DE-35")
        assert (found(uow, q="52998224725"), found(uow, q="12.abc.345/01de-35"), found(uow, q="529.982")) == (["Ana"], ["Bia"], [])
        stored = uow.session.scalars(select(type_coerce(Contact.document, LargeBinary))).all()
        assert all(b"52998224725" not in sealed and b"12ABC345" not in sealed for sealed in stored)


def test_changing_writes_only_what_was_given(uow):
    contact = make_contact(uow, name="Ana", company="Solara", attributes={"cor": "azul", "time": "sul"})
    actions.change_contact(uow, contact.id, ContactFields(name="Ana Lima", attributes={"cor": None}))
    assert (contact.name, contact.company, contact.attributes, contact.version) == ("Ana Lima", "Solara", {"time": "sul"}, 2)
    assert emitted(uow) == ["contact.created", "contact.changed"]


def test_changing_nothing_announces_nothing(uow):
    contact = make_contact(uow, name="Ana", tags=["a"])
    uow.session.flush()
    actions.change_contact(uow, contact.id, ContactFields(name="Ana", tags=["A"]))
    assert (contact.version, emitted(uow)) == (1, ["contact.created"])


def test_a_corrected_email_gives_the_wrong_one_back(uow):
    contact = make_contact(uow, email="aan@solara.example")
    actions.change_contact(uow, contact.id, ContactFields(email="ana@solara.example"))
    assert make_contact(uow, email="aan@solara.example").id != contact.id
    with pytest.raises(IdentityTaken):
        make_contact(uow, email="ana@solara.example")


def test_an_old_version_is_not_written_over(uow):
    contact = make_contact(uow)
    actions.change_contact(uow, contact.id, ContactFields(name="Ana"), expected_version=1)
    with pytest.raises(StaleContact):
        actions.change_contact(uow, contact.id, ContactFields(name="Bia"), expected_version=1)


def test_a_wrong_email_is_refused(uow):
    with pytest.raises(InvalidField):
        make_contact(uow, email="nobody")


def test_a_contact_of_another_organisation_does_not_exist(box, tenant_id, other_tenant_id):
    with box.unit(other_tenant_id) as uow:
        theirs = make_contact(uow, email="ana@solara.example")
    with box.unit(tenant_id) as uow:
        with pytest.raises(ContactNotFound):
            queries.get_contact(uow, theirs.id)
        assert make_contact(uow, email="ana@solara.example").id != theirs.id
        assert queries.list_contacts(uow, ContactsQuery(q="solara")).total == 1


def test_the_latest_sighting_counts(uow):
    contact = make_contact(uow)
    actions.record_seen(uow, contact.id, Channel.EMAIL, uow.now)
    actions.record_seen(uow, contact.id, Channel.WHATSAPP, uow.now - timedelta(hours=1))
    assert (contact.last_channel, contact.last_seen_at, contact.version) == (Channel.EMAIL, uow.now, 1)


def test_search_ignores_case_and_accents(uow):
    make_contact(uow, name="José da Conceição", company="Açaí & Cia", email="jose@acai.example", phone="11 98888-7777")
    make_contact(uow, name="Maria")
    for q in ("jose conceicao", "CONCEIÇÃO", "acai", "jose@acai", "988887777", "cia josé"):
        assert found(uow, q=q) == ["José da Conceição"], q
    assert found(uow, q="josé maria") == []
    assert found(uow, q="%") == []


@pytest.fixture
def owner(box, tenant_id):
    return people.with_role(box, tenant_id, "rep").user_id


def test_a_contact_is_owned_by_a_member_or_nobody(owner, stranger, uow):
    ana = make_contact(uow, name="Ana", owner_id=owner)
    for refused in (
        lambda: make_contact(uow, name="Bia", owner_id=stranger),
        lambda: actions.change_contact(uow, ana.id, ContactFields(owner_id=stranger)),
        lambda: actions.upsert_contact(uow, [], fields=ContactFields(email="c@x.example", owner_id=stranger)),
    ):
        with pytest.raises(Refused) as err:
            refused()
        assert list(err.value.fields) == ["owner_id"]
    assert actions.change_contact(uow, ana.id, ContactFields(owner_id=None)).owner_id is None


@pytest.fixture
def stranger(box, other_tenant_id):
    return people.with_role(box, other_tenant_id, "rep").user_id


@pytest.mark.parametrize("attributes", [{"a": "x" * 20_000}, {"a": {"b": {"c": {"d": {}}}}}, {"a": json.loads("[" * 300 + "]" * 300)}])
def test_attributes_are_small_and_shallow(attributes):
    with pytest.raises(ValidationError):
        ContactFields(attributes=attributes)
    assert ContactFields(attributes={"a": {"b": {"c": [1]}}}).attributes


def test_filters_narrow_the_list(owner, uow):
    ana = make_contact(uow, name="Ana", tags=["vip", "sul"], region="SP", owner_id=owner)
    bia = make_contact(uow, name="Bia", tags=["vip"])
    say_yes(uow, ana.id)
    say_no(uow, ana.id, channel=Channel.EMAIL)
    say_yes(uow, bia.id)
    say_no(uow, bia.id)
    assert found(uow, tag=["VIP"]) == ["Ana", "Bia"]
    assert found(uow, tag=["vip", "sul"]) == found(uow, region="SP") == found(uow, owner_id=owner) == ["Ana"]
    assert found(uow, consent=Purpose.MARKETING) == ["Ana"]
    assert queries.list_tags(uow) == ["sul", "vip"]


def test_the_list_is_sorted_and_cut_into_pages_with_a_total(uow):
    for name in ("Bia", "Ana", "Caio"):
        make_contact(uow, name=name)
    seen = queries.list_contacts(uow, ContactsQuery()).items[1]
    actions.record_seen(uow, seen.id, Channel.WHATSAPP, uow.now)
    assert found(uow) == ["Ana", "Bia", "Caio"]
    assert found(uow, sort=ContactSort.NEWEST)[0] == "Caio"
    assert found(uow, sort=ContactSort.LAST_SEEN)[0] == "Bia"
    page = queries.list_contacts(uow, ContactsQuery(page=2, limit=2))
    assert ([contact.name for contact in page.items], page.total) == (["Caio"], 3)


def test_all_contacts_can_be_walked_in_slices(uow):
    for _ in range(5):
        make_contact(uow)
    first = queries.list_contacts_after(uow, ContactFilter(), None, limit=3)
    rest = queries.list_contacts_after(uow, ContactFilter(), first[-1].id, limit=3)
    assert len({contact.id for contact in (*first, *rest)}) == 5


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(box, tenant_id):
    def cost(limit):
        with statements_of(box) as statements, box.unit(tenant_id, read_only=True) as uow:
            page = queries.list_contacts(uow, ContactsQuery(limit=limit))
            assert [contact.tags for contact in page.items]
        return len(statements)

    with box.unit(tenant_id) as uow:
        for number in range(10):
            make_contact(uow, tags=[f"t{number}"])
    assert cost(10) == cost(1)
