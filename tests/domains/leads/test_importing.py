"""The people of an imported file as leads."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from appliance.core import deliveries, files, jobs
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts import subscribers as contact_jobs
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.contacts.rules import spreadsheets
from appliance.domains.contacts.schemas import ContactsQuery, ImportStartIn
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import NoOpenList, SourceInUse
from appliance.domains.leads.manifest import MANIFEST
from appliance.domains.leads.schemas import LeadsQuery, SourcePatch
from appliance.domains.leads.tables import LeadEvent
from appliance.domains.leads.types import ImportState, LeadStatus
from tests.draining import due_for
from tests.factories.contacts import make_contact
from tests.factories.leads import make_source

CSV = "nome;email\nAna;ana@x.example\nBia;bia@x.example\nAna Lima;ana@x.example\nCaio;caio@x.example\n;\nBia;bia@x.example\n"


@pytest.fixture
def manifests():
    return (CONTACTS, MANIFEST, files.MANIFEST)


@pytest.fixture
def upload(box, tenant_id, keep_file):
    def send(text=CSV):
        stored = keep_file(text.encode())
        with box.unit(tenant_id) as uow:
            return contacts.create_import(uow, stored.id, "feira.csv", spreadsheets.read_sheet(text.encode())).id

    return send


@pytest.fixture
def feira(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return make_source(uow, kind="csv_import", name="Feira", tags=["feira"]).id


@pytest.fixture
def start(box, tenant_id, upload):
    def go(source_id, import_id=None, **wanted):
        import_id = import_id or upload()
        with box.unit(tenant_id) as uow:
            actions.start_import(uow, import_id, source_id, ImportStartIn(**wanted))
        return import_id

    return go


def seen(box, tenant_id):
    """The leads with their persons, and how often each was announced."""
    with box.unit(tenant_id, read_only=True) as uow:
        leads = queries.list_leads(uow, LeadsQuery(limit=100)).items
        names = {key: row.name for key, row in people.find_contacts(uow, {lead.contact_id for lead in leads}).items()}
        told = list(uow.session.scalars(select(OutboxRow.payload).where(OutboxRow.name == "lead.captured")))
        assert sorted(one["lead_id"] for one in told) == sorted(str(lead.id) for lead in leads)
        return sorted((names[lead.contact_id], lead.times) for lead in leads)


def run_of(box, tenant_id, source_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.list_imports(uow, source_id, PageQuery()).items[0]


def test_everybody_in_a_file_becomes_a_lead_once(box, tenant_id, feira, start, run_deliveries, monkeypatch):
    monkeypatch.setattr(contact_jobs, "SLICE_ROWS", 2)
    import_id = start(feira)
    run_deliveries()
    assert seen(box, tenant_id) == [("Ana", 1), ("Bia", 1), ("Caio", 1)]
    run = run_of(box, tenant_id, feira)
    assert (run.new_leads, run.repeated_leads, run.dry_run, run.finished_at is not None) == (3, 0, False, True)
    with box.unit(tenant_id, read_only=True) as uow:
        lead = queries.list_leads(uow, LeadsQuery()).items[0]
        [event] = queries.list_events(uow, lead.id)
        assert (lead.source_id, lead.status, lead.score) == (feira, LeadStatus.NEW, None)
        assert json.loads(event.body) == {"file_name": "feira.csv", "import_id": str(import_id)}
        assert [contact.tags for contact in people.list_contacts(uow, ContactsQuery()).items] == [["feira"]] * 3
        told = people.list_timeline(uow, lead.contact_id, PageQuery()).items
        assert [(entry.kind, entry.summary) for entry in told if entry.kind.startswith("lead")] == [("lead.captured", "Feira")]


def test_without_a_source_nobody_becomes_a_lead(box, tenant_id, feira, upload, run_deliveries):
    import_id = upload()
    with box.unit(tenant_id) as uow:
        contacts.start_import(uow, import_id, ImportStartIn())
    run_deliveries()
    assert seen(box, tenant_id) == []
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalar(select(OutboxRow.seq).where(OutboxRow.name == "people.imported")) is None


def test_a_dry_run_makes_no_lead_and_says_how_many_there_would_be(box, tenant_id, feira, start, run_deliveries):
    start(feira)
    run_deliveries()
    checked = start(feira, dry_run=True)
    before = seen(box, tenant_id)
    run_deliveries()
    run = run_of(box, tenant_id, feira)
    assert (run.import_id, run.new_leads, run.repeated_leads, run.dry_run, run.finished_at is not None) == (checked, 0, 3, True, True)
    assert seen(box, tenant_id) == before


def test_a_dry_run_counts_who_stands_in_two_slices_once(box, tenant_id, feira, start, run_deliveries, monkeypatch):
    monkeypatch.setattr(contact_jobs, "SLICE_ROWS", 2)
    with box.unit(tenant_id) as uow:
        make_contact(uow, name="Bia", email="bia@x.example", phone=None)
    start(feira, dry_run=True)
    run_deliveries()
    run = run_of(box, tenant_id, feira)
    assert (run.new_leads, run.repeated_leads, run.finished_at is not None) == (3, 0, True)


def test_two_imports_at_once_make_one_lead_of_one_person(box, tenant_id, feira, start):
    with box.unit(tenant_id) as uow:
        ana = make_contact(uow, name="Ana", email="ana@x.example", phone=None).id
    listeners = []
    for _ in range(2):
        start(feira)
        listeners.append(run_of(box, tenant_id, feira).id)
    at_once = threading.Barrier(2)

    def capture(listener):
        at_once.wait(60)
        with box.unit(tenant_id) as uow:
            actions.capture_imported(uow, listener, [ana])
            time.sleep(0.3)  # the other would look meanwhile

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(capture, listeners))
    assert seen(box, tenant_id) == [("Ana", 2)]


@pytest.fixture
def bury(box):
    """What is still to be done of that kind fails for good."""

    def give_up(subscriber):
        with box.whole_box("test") as uow:
            theirs = Delivery.subscriber.contains(subscriber), Delivery.state == DeliveryState.PENDING
            uow.session.scalars(select(Delivery).where(*theirs).order_by(Delivery.event_seq)).first().state = DeliveryState.DEAD

    return give_up


def state_of(box, tenant_id, source_id):
    with box.unit(tenant_id, read_only=True) as uow:
        [state] = queries.states_of(uow, queries.list_imports(uow, source_id, PageQuery()).items).values()
        return state


@pytest.mark.parametrize("failing", ["run_import", "capture_imported"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_failed_for_good_has_stopped_and_its_source_may_go(
    box, tenant_id, feira, start, bury, *, client, run_deliveries, monkeypatch, failing, dry_run
):
    monkeypatch.setattr(contact_jobs, "SLICE_ROWS", 2)
    import_id = start(feira, dry_run=dry_run)
    assert state_of(box, tenant_id, feira) is ImportState.RUNNING
    if failing == "capture_imported":
        [owed] = due_for(box, "contacts.run_import")
        jobs.deliver(box, owed.tenant_id, owed.delivery_id)
    assert state_of(box, tenant_id, feira) is ImportState.RUNNING
    bury(failing)
    run_deliveries()
    assert state_of(box, tenant_id, feira) is ImportState.STOPPED
    [told] = client.get(f"/api/v1/lead-sources/{feira}/imports").json["items"]
    assert (told["state"], told["finished_at"]) == ("stopped", None)
    if dry_run and failing == "capture_imported":  # the file is still there, and is checked again
        start(feira, import_id, dry_run=True)
        run_deliveries()
        assert (state_of(box, tenant_id, feira), run_of(box, tenant_id, feira).new_leads) == (ImportState.DONE, 3)
    with box.unit(tenant_id) as uow:
        actions.delete_source(uow, feira)


def test_what_had_stopped_goes_on_when_it_is_done_again(box, tenant_id, feira, start, bury, run_deliveries):
    start(feira)
    bury("run_import")
    with box.unit(tenant_id) as uow:
        deliveries.replay(uow, uow.session.scalars(select(Delivery.id)).one())
    assert state_of(box, tenant_id, feira) is ImportState.RUNNING
    run_deliveries()
    assert (state_of(box, tenant_id, feira), len(seen(box, tenant_id))) == (ImportState.DONE, 3)


def test_a_check_and_then_the_import_count_the_same(box, tenant_id, feira, start, run_deliveries):
    import_id = start(feira, dry_run=True)
    run_deliveries()
    checked = run_of(box, tenant_id, feira)
    assert (checked.new_leads, seen(box, tenant_id)) == (3, [])
    with box.unit(tenant_id, read_only=True) as uow:
        assert people.get_import(uow, import_id).tags == []  # the tags of the source are put on when somebody comes
    start(feira, import_id)
    run_deliveries()
    done = run_of(box, tenant_id, feira)
    assert (done.new_leads, done.dry_run, len(seen(box, tenant_id))) == (3, False, 3)


def test_within_the_hours_of_the_source_a_second_file_is_the_same_lead(box, tenant_id, feira, start, run_deliveries):
    for _ in range(2):
        start(feira)
        run_deliveries()
    assert seen(box, tenant_id) == [("Ana", 2), ("Bia", 2), ("Caio", 2)]
    with box.unit(tenant_id) as uow:
        actions.change_source(uow, feira, SourcePatch(dedupe_hours=0))
    start(feira)
    run_deliveries()
    assert seen(box, tenant_id) == [("Ana", 1), ("Ana", 2), ("Bia", 1), ("Bia", 2), ("Caio", 1), ("Caio", 2)]


def test_what_a_killed_worker_wrote_is_not_written_again(box, tenant_id, feira, start, run_deliveries):
    with box.unit(tenant_id) as uow:
        known = [make_contact(uow, name=name, email=f"{name}@x.example".lower(), phone=None).id for name in ("Ana", "Bia")]
        actions.change_source(uow, feira, SourcePatch(dedupe_hours=0))
    start(feira)
    listener = run_of(box, tenant_id, feira).id
    with box.unit(tenant_id) as uow:  # this much was committed before it died
        actions.capture_imported(uow, listener, known[:1])
    run_deliveries()
    assert seen(box, tenant_id) == [("Ana", 1), ("Bia", 1), ("Caio", 1)]
    with box.whole_box("test") as uow:
        for owed in uow.session.scalars(select(Delivery).where(Delivery.subscriber.contains("capture_imported"))):
            owed.state = DeliveryState.PENDING
    assert run_deliveries() >= 2
    run = run_of(box, tenant_id, feira)
    assert (seen(box, tenant_id), run.new_leads) == ([("Ana", 1), ("Bia", 1), ("Caio", 1)], 3)


def test_who_was_merged_or_erased_meanwhile(box, tenant_id, feira, upload, start):
    with box.unit(tenant_id) as uow:
        ana, bia, caio = (make_contact(uow, name=name, email=None, phone=None).id for name in ("Ana", "Bia", "Caio"))
    start(feira)
    listener = run_of(box, tenant_id, feira).id
    with box.unit(tenant_id) as uow:
        contacts.merge_contacts(uow, ana, bia)
    with box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, caio)
    with box.unit(tenant_id) as uow:
        actions.capture_imported(uow, listener, [ana, bia, caio])
        assert len(uow.session.scalars(select(LeadEvent)).all()) == 2
    assert seen(box, tenant_id) == [("Ana", 1)]


def test_only_an_open_source_of_that_kind_takes_a_list(box, tenant_id, feira, start, upload):
    with box.unit(tenant_id) as uow:
        webhook = make_source(uow).id
        actions.change_source(uow, feira, SourcePatch(active=False))
        assert list(queries.list_open_lists(uow)) == []
    for source_id in (webhook, feira):
        with pytest.raises(NoOpenList):
            start(source_id)


def test_a_source_is_made_by_name_once(box, tenant_id):
    with box.unit(tenant_id) as uow:
        made = actions.open_list(uow, "Feira de maio")
        assert actions.open_list(uow, "Feira de maio").id == made.id
        assert (made.secrets, made.kind, made.active) == ({}, "csv_import", True)


def test_a_source_that_a_file_is_on_its_way_to_stays(box, tenant_id, feira, start, run_deliveries):
    start(feira)
    with box.unit(tenant_id) as uow, pytest.raises(SourceInUse):
        actions.delete_source(uow, feira)
    run_deliveries()


def test_a_file_that_cannot_be_read_ends_its_wait(box, tenant_id, feira, start, run_deliveries):
    import_id = start(feira)
    with box.unit(tenant_id) as uow:
        contacts.refuse_import(uow, import_id, InvalidField("name", "This is no workbook."))
    run_deliveries()
    run = run_of(box, tenant_id, feira)
    assert (run.new_leads, run.finished_at is not None) == (0, True)


def test_over_the_api(feira, client, somebody, upload, run_deliveries):
    somebody.may("contacts:write", "leads:write", "leads:read")
    address = f"/api/v1/lead-sources/{feira}/imports"
    started = client.post(f"{address}/{upload()}/start", json={"tags": ["vip"]})
    assert (started.status_code, started.json["finished_at"]) == (202, None)
    run_deliveries()
    [listed] = client.get(address).json["items"]
    assert (listed["new_leads"], listed["finished_at"] is not None) == (3, True)


def test_over_the_api_nothing_of_others_and_nothing_without_both_permissions(box, feira, client, somebody, upload, other_tenant_id):
    somebody.may("contacts:write", "leads:write", "leads:read")
    with box.unit(other_tenant_id) as uow:
        foreign = make_source(uow, kind="csv_import").id
    assert client.post(f"/api/v1/lead-sources/{foreign}/imports/{upload()}/start", json={}).status_code == 404
    somebody.may("leads:write")
    assert client.post(f"/api/v1/lead-sources/{feira}/imports/{upload()}/start", json={}).status_code == 403
