"""From a payload to a lead and its person."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from appliance.core import clock
from appliance.core.errors import Refused
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ContactsQuery
from appliance.domains.contacts.tables import Consent
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose
from appliance.domains.leads import actions, jobs, queries
from appliance.domains.leads.errors import NobodyNamed, SourceInUse, SourceNotFound, SourceSilent, WebhookRefused
from appliance.domains.leads.schemas import LeadPatch, LeadsQuery, SourcePatch
from appliance.domains.leads.tables import Lead, LeadEvent
from appliance.domains.leads.types import LeadStatus
from tests.factories.contacts import make_contact, say_no
from tests.factories.leads import DAVI, capture, make_source
from tests.statements import statements_of

MOST_STATEMENTS = 15


def test_a_lead_brings_its_person_its_campaign_and_the_tags_of_its_source(uow):
    source = make_source(uow, tags=["feira"])
    found = capture(uow, source.id, {**DAVI, "score": "70", "tags": "vip"})
    lead, contact = queries.get_lead(uow, found.lead_id), people.get_contact(uow, found.contact_id)
    assert (lead.status, lead.score, lead.utm, lead.times) == (LeadStatus.NEW, 70, {"campaign": "natal"}, 1)
    assert (contact.name, contact.email, contact.phone_e164, contact.tags) == (
        "Davi Rocha", "davi@loja.example", "+5511980001234", ["feira", "vip"]
    )  # fmt: skip
    entries = people.list_timeline(uow, contact.id, ContactsQuery()).items
    assert [(entry.kind, entry.summary) for entry in entries if entry.object_id == lead.id] == [("lead.captured", "Landing page")]


def test_the_same_event_again_is_the_first_result_and_nothing_else(uow):
    source = make_source(uow)
    first = capture(uow, source.id, DAVI, event_id="e1")
    assert capture(uow, source.id, {**DAVI, "nome": "Other", "email": "other@x.example"}, event_id="e1") == first
    assert uow.session.scalar(select(func.count(LeadEvent.id))) == 1
    assert capture(uow, source.id, {"event_id": "e1", **DAVI}, event_id="") == first


def test_without_an_id_the_same_body_is_the_same_event(uow):
    source = make_source(uow)
    assert capture(uow, source.id, DAVI, event_id="") == capture(uow, source.id, DAVI, event_id="")
    assert queries.get_lead(uow, capture(uow, source.id, DAVI, event_id="").lead_id).times == 1


def test_the_same_person_within_the_window_is_the_same_lead(uow):
    source = make_source(uow, dedupe_hours=24)
    first = capture(uow, source.id, DAVI)
    again = capture(uow, source.id, {**DAVI, "utm_source": "google", "score": 10})
    lead = queries.get_lead(uow, again.lead_id)
    assert (again.lead_id, lead.times, lead.utm, lead.score) == (first.lead_id, 2, {"campaign": "natal", "source": "google"}, 10)
    assert len(queries.list_events(uow, lead.id)) == 2


def test_after_the_window_it_is_a_new_lead_of_the_same_person(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow, dedupe_hours=1).id
        first = capture(uow, source_id, DAVI)
    with time_machine.travel(clock.now() + timedelta(hours=2)), box.unit(tenant_id) as uow:
        later = capture(uow, source_id, DAVI)
    assert (later.lead_id != first.lead_id, later.contact_id) == (True, first.contact_id)


def test_the_senders_own_id_is_the_same_lead_for_ever_and_recognises_the_person_first(uow):
    source = make_source(uow, dedupe_hours=0)
    first = capture(uow, source.id, {**DAVI, "lead_id": "L-7"})
    assert capture(uow, source.id, {"lead_id": "L-7", "email": "novo@loja.example"}).lead_id == first.lead_id
    assert capture(uow, source.id, DAVI).lead_id != first.lead_id
    other = make_source(uow)
    assert capture(uow, other.id, {"lead_id": "L-7", "nome": "Bia"}).contact_id != first.contact_id


def test_a_phone_that_is_none_is_kept_and_flagged(uow):
    contact = people.get_contact(uow, capture(uow, make_source(uow).id, {"nome": "Davi", "telefone": "liga pra mim"}).contact_id)
    assert (contact.phone_raw, contact.phone_e164, contact.phone_invalid) == ("liga pra mim", None, True)


def test_an_email_or_document_that_is_none_costs_its_field_and_not_the_lead(uow):
    found = capture(uow, make_source(uow).id, {"nome": "Davi", "email": "davi(at)loja", "cpf": "123"})
    contact = people.get_contact(uow, found.contact_id)
    assert (contact.name, contact.email, contact.document) == ("Davi", None, None)
    assert "davi(at)loja" in queries.list_events(uow, found.lead_id)[0].body


def test_what_names_nobody_is_refused(uow):
    source = make_source(uow)
    for payload in ({}, {"email": "none"}, [], "x", None, {"utm_source": "google"}, {"telefone": "abc"}):
        with pytest.raises(NobodyNamed):
            capture(uow, source.id, payload)


def test_a_known_contact_is_completed_never_overwritten_and_gains_no_address_that_somebody_typed(uow):
    known = make_contact(uow, name="Davi R.", email="davi@loja.example", phone=None)
    assert capture(uow, make_source(uow).id, DAVI).contact_id == known.id
    assert (known.name, known.phone_e164) == ("Davi R.", None)


def test_first_and_last_name_make_a_name(uow):
    found = capture(uow, make_source(uow).id, {"first_name": "Ana", "last_name": "Lima", "email": "a@x.example"})
    assert people.get_contact(uow, found.contact_id).name == "Ana Lima"


def test_a_yes_is_recorded_with_what_was_agreed_to(uow):
    found = capture(uow, make_source(uow).id, {**DAVI, "consent": "sim", "consent_text": "Quero ofertas"}, evidence={"ip": "10.0.0.7"})
    ledger = {row.channel: row for row in people.list_consents(uow, found.contact_id)}
    assert set(ledger) == {Channel.WHATSAPP, Channel.EMAIL}
    row = ledger[Channel.EMAIL]
    assert (row.mode, row.purpose, row.source) == (ConsentMode.OPT_IN, Purpose.MARKETING, "lead: Landing page")
    assert row.evidence == {"text": "Quero ofertas", "lead_id": str(found.lead_id), "ip": "10.0.0.7"}


def test_without_a_yes_nothing_is_agreed_to(uow):
    found = capture(uow, make_source(uow).id, {**DAVI, "consent": "no"})
    assert people.list_consents(uow, found.contact_id) == []


def test_who_said_no_is_not_brought_back_by_a_form_and_a_minor_not_at_all(uow):
    known = make_contact(uow, name="Davi", email="davi@loja.example", phone=None)
    say_no(uow, known.id, channel=Channel.EMAIL)
    say_no(uow, known.id, channel=Channel.WHATSAPP)
    capture(uow, make_source(uow).id, {**DAVI, "consent": "sim"})
    assert uow.session.scalar(select(func.count(Consent.id)).where(Consent.mode != ConsentMode.OPT_OUT)) == 0
    make_contact(uow, name="Duda", email="duda@x.example", born_on=uow.now.date().replace(year=uow.now.year - 10, day=1), phone=None)
    child = capture(uow, make_source(uow).id, {"email": "duda@x.example", "consent": "sim"})
    assert people.list_consents(uow, child.contact_id) == []


def test_a_source_that_is_off_or_not_there_takes_nothing(box, tenant_id, other_tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        actions.change_source(uow, source_id, SourcePatch(active=False))
        with pytest.raises(SourceSilent):
            capture(uow, source_id, DAVI)
    with box.unit(other_tenant_id) as theirs, pytest.raises(SourceNotFound):
        capture(theirs, source_id, DAVI)


def test_a_used_nonce_is_refused(uow):
    source = make_source(uow)
    capture(uow, source.id, DAVI, nonce="n1")
    with pytest.raises(WebhookRefused):
        capture(uow, source.id, {"email": "other@x.example"}, nonce="n1")


def test_a_mapping_with_what_is_no_path_is_refused(uow):
    with pytest.raises(Refused):
        make_source(uow, mapping={"email": "a..b"})
    with pytest.raises(Refused):
        actions.change_source(uow, make_source(uow).id, SourcePatch(mapping={"email": "["}))


def test_a_lead_goes_its_way(uow):
    found = capture(uow, make_source(uow).id, DAVI)
    assert actions.change_lead(uow, found.lead_id, LeadPatch(status=LeadStatus.WORKING, score=40)).score == 40
    lead = actions.convert_lead(uow, found.lead_id)
    assert (lead.status, lead.converted_at) == (LeadStatus.CONVERTED, uow.now)
    before = len(uow.emitted)
    actions.convert_lead(uow, found.lead_id)
    assert len(uow.emitted) == before
    assert actions.change_lead(uow, found.lead_id, LeadPatch(status=LeadStatus.LOST)).converted_at is None
    assert [row.id for row in queries.list_leads(uow, LeadsQuery(status=LeadStatus.LOST)).items] == [found.lead_id]


def test_a_source_with_leads_is_kept(uow):
    source, other = make_source(uow), make_source(uow)
    capture(uow, source.id, DAVI)
    actions.delete_source(uow, other.id)
    with pytest.raises(SourceInUse):
        actions.delete_source(uow, source.id)
    assert queries.count_by_status(uow, [source.id, other.id]) == {source.id: {LeadStatus.NEW: 1}}


def test_merging_moves_leads_and_undoing_moves_those_back(box, tenant_id, run_deliveries):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow, dedupe_hours=0).id
        gone = capture(uow, source_id, DAVI)
        kept = capture(uow, source_id, {"email": "kept@x.example"})
        merge = contacts.merge_contacts(uow, kept.contact_id, gone.contact_id)
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert queries.list_leads(uow, LeadsQuery(contact_id=gone.contact_id)).total == 2
        contacts.undo_merge(uow, merge.id)
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert [row.id for row in queries.list_leads(uow, LeadsQuery(contact_id=gone.contact_id)).items] == [gone.lead_id]


def test_erasing_a_person_takes_their_leads_and_what_was_kept_aside_of_them(uow):
    source = make_source(uow)
    found = capture(uow, source.id, DAVI)
    other = capture(uow, source.id, {"email": "other@x.example"})
    actions.keep_rejected(uow, source.id, "malformed_json", b'{"tel": "11 98000-1234",')
    actions.keep_rejected(uow, source.id, "malformed_json", b"{")
    exported = queries.export_contact(uow, found.contact_id)
    assert len(exported["leads"]) == 1
    contacts.delete_contact(uow, found.contact_id)
    assert list(uow.session.scalars(select(Lead.id))) == [other.lead_id]
    assert list(uow.session.scalars(select(LeadEvent.lead_id).where(LeadEvent.reason.is_(None)))) == [other.lead_id]
    assert list(uow.session.scalars(select(LeadEvent.body).where(LeadEvent.reason.is_not(None)))) == ["{"]


def test_a_person_gets_all_that_came_for_their_leads(uow):
    source = make_source(uow)
    for number in range(60):
        found = capture(uow, source.id, {**DAVI, "n": number})
    [lead] = queries.export_contact(uow, found.contact_id)["leads"]
    assert (lead["times"], len(lead["events"])) == (60, 60)


def test_what_was_kept_aside_is_bounded_and_goes_after_its_days(box, tenant_id, monkeypatch):
    monkeypatch.setattr("appliance.domains.leads.actions.rejecting.KEPT_EACH", 2)
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        for body in (b"1", b"2", b"3"):
            actions.keep_rejected(uow, source_id, "malformed_json", body)
        actions.keep_rejected(uow, source_id, "bad_signature", b"4")
        assert [row.body for row in queries.list_rejected(uow, source_id, LeadsQuery()).items] == ["4", "3", "2"]
    jobs.prune_rejected(box)
    with time_machine.travel(clock.now() + timedelta(days=8)):
        jobs.prune_rejected(box)
    with box.unit(tenant_id) as uow:
        assert queries.list_rejected(uow, source_id, LeadsQuery()).total == 0


def test_a_page_of_leads_costs_the_same_whatever_its_length(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source = make_source(uow)
        for number in range(12):
            capture(uow, source.id, {"email": f"p{number}@x.example"})
    costs = []
    for limit in (2, 10):
        with box.unit(tenant_id, read_only=True) as uow, statements_of(box) as seen:
            assert len(queries.list_leads(uow, LeadsQuery(limit=limit)).items) == limit
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_a_lead_of_somebody_new_asks_the_database_few_things(box, tenant_id):
    with box.unit(tenant_id) as uow:
        source_id = make_source(uow).id
        capture(uow, source_id, {"email": "first@x.example"})
    with box.unit(tenant_id) as uow, statements_of(box) as seen:
        capture(uow, source_id, DAVI, nonce="n1", signature="s1")
    assert len(seen) <= MOST_STATEMENTS, [statement for statement, _values in seen]
