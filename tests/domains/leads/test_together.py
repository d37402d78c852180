"""Leads that are captured many at once become what they would become one by one."""

import json

import pytest
from sqlalchemy import String, literal, select, update
from sqlalchemy.orm import defer

from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.tables import Consent, Contact, ContactDuplicate, ContactIdentity, ContactTag, TimelineEntry
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import NobodyNamed
from appliance.domains.leads.tables import Lead, LeadEvent
from appliance.domains.leads.types import Parcel
from tests.draining import run_due
from tests.factories.contacts import make_contact
from tests.factories.leads import DAVI, capture, make_source
from tests.statements import statements_of

BIA = {"nome": "Bia Nunes", "email": "bia@loja.example", "tags": "vip, Feira"}
ANA = {"name": "Ana", "company": "Loja", "phone": None}
KNOWN = {"nome": "Caio Reis", "email": "caio@loja.example"}
SAID = (
    DAVI, BIA, {**DAVI, "utm": {"utm_source": "google"}},  # again, by another address of the same person:
    {"nome": "Davi R", "telefone": "11 98000 1234", "score": "30"},
    KNOWN, {**KNOWN, "score": "7"}, {**KNOWN, "tags": "novo"}, {**KNOWN, "empresa": "Loja 9"},
    {**KNOWN, "nome": "C. Reis", "telefone": "11980009999"},
    {"email": "bia@loja.example", "telefone": "(11) 98000-1234"},  # two people's ids
    {"nome": "Eva", "email": "eva@x.example", "consent": "sim", "consent_text": "Quero"}, {"nome": "Eva", "email": "eva@x.example"},
    {**KNOWN, "consent": "sim"}, {"nome": "Flor", "telefone": "11 98000-4321", "consent": "yes"}, {"nome": "Hugo", "consent": "sim"},
    {"nome": "Gil", "cpf": "123", "email": "gil@x.example"}, {"nome": "Gil", "email": "gil@x.example", "document": "529.982.247-25"},
    {}, {"utm_source": "google"}, {"nome": "Ninguém", "telefone": "liga"}, {"nome": "Ninguém", "telefone": "liga"},
    {"lead_id": "L-7", "nome": "Ivo"}, {"lead_id": "L-7", "email": "ivo@x.example"}, {"lead_id": "L-8", "email": "caio@loja.example"},
    {"lead_id": "L-8", "email": "caio@loja.example", "score": 3}, [], "x",
    *({"nome": f"P{number}", "email": f"p{number}@x.example", "cpf": "529.982.247-25" if number == 3 else ""} for number in range(9)),
)  # fmt: skip


def one_by_one(box, tenant_id, source_id):
    for number, payload in enumerate(SAID):
        with box.unit(tenant_id) as uow:
            try:
                capture(uow, source_id, payload, event_id=f"e{number}")
            except NobodyNamed:
                continue


def together(box, tenant_id, source_id):
    for number, payload in enumerate(SAID):
        with box.unit(tenant_id) as uow:
            actions.keep_lead(uow, source_id, Parcel(f"e{number}", json.dumps(payload)))
    run_due(box)


def what_came_of(box, tenant_id):
    """Everything but ids and times, with people by their place among all."""
    with box.unit(tenant_id, read_only=True) as uow:
        def rows(table):
            return uow.session.scalars(select(table).order_by(table.id)).all()

        people = list(uow.session.scalars(select(Contact).order_by(Contact.name, Contact.id).options(defer(Contact.document_index))))
        place = {contact.id: number for number, contact in enumerate(people)}
        kept = ("name", "company", "email", "phone_e164", "phone_raw", "phone_invalid", "document", "attributes", "version", "search_text")
        return {
            "people": [[getattr(contact, column) for column in kept] for contact in people],
            "indexed": [contact.document_index is not None for contact in people],
            "ids": sorted((place[row.contact_id], row.kind, row.value) for row in rows(ContactIdentity)),
            "tags": sorted((place[row.contact_id], row.tag) for row in rows(ContactTag)),
            "story": sorted((place[row.contact_id], row.kind, row.summary, row.actor_name) for row in rows(TimelineEntry)),
            "yes": sorted((place[row.contact_id], row.channel, row.mode, row.source, row.evidence.get("text")) for row in rows(Consent)),
            "alike": sorted(sorted((place[row.first_id], place[row.second_id])) for row in rows(ContactDuplicate)),
            "leads": sorted((place[row.contact_id], row.external_id or "", str(row.score), *row.utm, row.times) for row in rows(Lead)),
            "events": len([row for row in rows(LeadEvent) if row.lead_id]),
        }  # fmt: skip


def test_what_is_captured_together_becomes_what_it_would_one_by_one(box, new_tenant):
    found = []
    for work in (one_by_one, together):
        tenant_id = new_tenant()
        with box.unit(tenant_id) as uow:
            make_contact(uow, name="Caio Reis", email="caio@loja.example", phone=None)
            source_id = make_source(uow, tags=["landing"]).id
        work(box, tenant_id, source_id)
        found.append(what_came_of(box, tenant_id))
    assert found[0] == found[1]
    assert len(found[0]["leads"]) > 15


@pytest.fixture
def read(box, tenant_id):
    """Two leads, understood: of somebody new and of somebody known."""
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        capture(uow, source_id, KNOWN)
        actions.keep_lead(uow, source_id, Parcel("new", json.dumps(BIA)))
        actions.keep_lead(uow, source_id, Parcel("known", json.dumps(KNOWN)))
    with box.unit(tenant_id, read_only=True) as uow:
        return actions.read_waiting(uow, source_id)


def test_who_appears_between_reading_and_writing_is_recognised(box, tenant_id, read):
    with box.unit(tenant_id) as uow:
        make_contact(uow, name="Bia N.", email="bia@loja.example", phone=None)
    with box.unit(tenant_id) as uow:
        actions.capture(uow, read)
        assert sorted(uow.session.scalars(select(Contact.name))) == ["Bia N.", "Caio Reis"]
        assert sorted(uow.session.scalars(select(Lead.times))) == [1, 2]


def test_a_lead_of_somebody_who_is_merged_between_reading_and_writing_is_of_whom_they_became(box, tenant_id, read):
    [known] = [event.person.contact_id for event in read.events if event.person.version]
    with box.unit(tenant_id) as uow:
        kept_id = make_contact(uow, name="Caio", email=None, phone=None).id
        contacts.merge_contacts(uow, kept_id, known)
    run_due(box)
    with box.unit(tenant_id) as uow:
        actions.capture(uow, read)
        assert known not in set(uow.session.scalars(select(Lead.contact_id)))
        assert kept_id in set(uow.session.scalars(select(Lead.contact_id)))


def test_a_lead_of_two_who_are_parted_between_reading_and_writing_is_of_whose_address_it_names(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        kept_id = make_contact(uow, **{**ANA, "email": "ana@loja.example"}).id
        gone_id = make_contact(uow, **{**ANA, "email": "ana@casa.example"}).id
        merge_id = contacts.merge_contacts(uow, kept_id, gone_id).id
        actions.keep_lead(uow, source_id, Parcel("e", json.dumps({"email": "ana@casa.example"})))
    with box.unit(tenant_id, read_only=True) as uow:
        waiting = actions.read_waiting(uow, source_id)
    assert [event.person.contact_id for event in waiting.events] == [kept_id]
    with box.unit(tenant_id) as uow:
        contacts.undo_merge(uow, merge_id)
    with box.unit(tenant_id) as uow:
        actions.capture(uow, waiting)
        assert list(uow.session.scalars(select(Lead.contact_id))) == [gone_id]


def test_what_another_captured_meanwhile_is_not_captured_again(box, tenant_id, read):
    for _ in range(2):
        with box.unit(tenant_id) as uow:
            actions.capture(uow, read)
    with box.unit(tenant_id, read_only=True) as uow:
        assert sorted(uow.session.scalars(select(Lead.times))) == [1, 2]


def test_half_a_letter_in_one_lead_holds_up_none_of_its_source(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        for number, payload in enumerate(({"lead_id": "L-1\ud83d", "nome": "Lia \ud83d"}, BIA, KNOWN)):
            actions.keep_lead(uow, source_id, Parcel(f"e{number}", json.dumps(payload)))
    run_due(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert sorted(uow.session.scalars(select(Contact.name))) == ["Bia Nunes", "Caio Reis", "Lia ?"]
        assert sorted(filter(None, uow.session.scalars(select(Lead.external_id)))) == ["L-1?"]


def test_one_lead_whose_person_cannot_be_read_holds_up_none_of_its_source(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        spoilt = make_contact(uow, **ANA, email="ana@loja.example")
        uow.session.execute(update(Contact).where(Contact.id == spoilt.id).values(last_channel=literal("telex", String())))
        for number, payload in enumerate((BIA, {"email": "ana@loja.example"}, KNOWN)):
            actions.keep_lead(uow, source_id, Parcel(f"e{number}", json.dumps(payload)))
    run_due(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert sorted(uow.session.scalars(select(Contact.name).join(Lead, Lead.contact_id == Contact.id))) == ["Bia Nunes", "Caio Reis"]
        assert [reason for reason in uow.session.scalars(select(LeadEvent.reason)) if reason] == ["unreadable_LookupError"]


def test_eight_leads_of_new_people_ask_the_database_as_much_as_one(box, tenant_id):
    counts = []
    for many in (1, 8):
        with box.unit(tenant_id) as uow:
            source_id = make_source(uow).id
            for number in range(many):
                actions.keep_lead(uow, source_id, Parcel(f"e{number}", json.dumps({"nome": "Z", "email": f"z{many}{number}@x.example"})))
        with box.unit(tenant_id, read_only=True) as uow:
            waiting = actions.read_waiting(uow, source_id)
        with statements_of(box) as heard, box.unit(tenant_id) as uow:
            actions.capture(uow, waiting)
            assert not queries.is_waiting(uow, source_id)
        counts.append(len(heard))
    assert counts[0] == counts[1] <= 15
